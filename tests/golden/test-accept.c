/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "exporters/http/accept.h"
#include "suite.h"

#define TEXT        EXPOSITION_TEXT
#define OPENMETRICS EXPOSITION_OPENMETRICS

static const struct {
        const char *accept;
        ExpositionFormat format;
} cases[] = {
        { NULL, TEXT },
        { "", TEXT },
        { " ", TEXT },
        { ",", TEXT },
        { ";", TEXT },
        { ";=,;q=,=", TEXT },

        /* Prometheus 2.42 and 3, with and without protobuf; Grafana Alloy asks like those */
        { "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
          OPENMETRICS },
        { "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
          "application/openmetrics-text;version=0.0.1;q=0.4,"
          "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
          OPENMETRICS },
        { "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
          "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
          OPENMETRICS },
        { "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT },
        { "text/plain;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4", TEXT },

        /* curl, and browsers */
        { "*/*", TEXT },
        { "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", TEXT },

        /* the format of highest quality */
        { "application/openmetrics-text", OPENMETRICS },
        { "application/openmetrics-text;q=0.001", OPENMETRICS },
        { "application/openmetrics-text;q=0.5,text/plain;q=0.501", TEXT },
        { "application/openmetrics-text;q=0.501,text/plain;q=0.5", OPENMETRICS },
        { "text/plain;q=0.1,application/openmetrics-text", OPENMETRICS },
        { "text/plain;q=0,application/openmetrics-text;q=0.1", OPENMETRICS },
        { "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.1,"
          "text/plain;q=0.5",
          OPENMETRICS },
        { "application/openmetrics-text;version=0.0.1;q=0.1,application/openmetrics-text;version=1.0.0,"
          "text/plain;q=0.5",
          OPENMETRICS },
        { "application/openmetrics-text;q=0", TEXT },
        { "application/openmetrics-text;q=0.000,text/plain;q=0.1", TEXT },
        { "application/openmetrics-text;q=0,text/plain;q=0", TEXT },

        /* wanted equally: what was named first */
        { "application/openmetrics-text,text/plain", OPENMETRICS },
        { "text/plain,application/openmetrics-text", TEXT },
        { "application/openmetrics-text;q=0.5,text/plain;q=0.5", OPENMETRICS },
        { "text/plain;q=0.5,application/openmetrics-text;q=0.5", TEXT },
        { "application/openmetrics-text,*/*", OPENMETRICS },

        /* wildcards: the more specific range decides, and a wildcard alone never means OpenMetrics */
        { "application/*", TEXT },
        { "application/*,text/plain;q=0.1", TEXT },
        { "application/*;version=1.0.0", TEXT },
        { "*/*;version=1.0.0", TEXT },
        { "*/*;version=1.0.0,text/plain;q=0.5", TEXT },
        { "text/*", TEXT },
        { "text/*;q=0.9,application/openmetrics-text;q=0.8", TEXT },
        { "text/*;q=0.7,application/openmetrics-text;q=0.8", OPENMETRICS },
        { "*/*;q=0.9,application/openmetrics-text;q=0.5,text/plain;q=0.4", OPENMETRICS },
        { "application/*;q=0.9,application/openmetrics-text;q=0,*/*;q=0.1", TEXT },

        /* versions: one that is not ours does not ask for us */
        { "application/openmetrics-text;version=2.0.0", TEXT },
        { "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.5",
          OPENMETRICS },
        { "application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4;q=0.1", TEXT },
        { "application/openmetrics-text;version=0.0.1", OPENMETRICS },
        { "application/openmetrics-text;version=\"1.0.0\"", OPENMETRICS },
        { "application/openmetrics-text;version=\"1.0.0", TEXT },
        { "application/openmetrics-text;version=\"", TEXT },
        { "application/openmetrics-text;version=", TEXT },
        { "text/plain;version=0.0.3;q=0.9,application/openmetrics-text;q=0.5", OPENMETRICS },

        /* upper case, blanks, parameters that are not known */
        { "APPLICATION/OpenMetrics-Text;VERSION=1.0.0;Q=0.9,Text/Plain;q=0.1", OPENMETRICS },
        { " application/openmetrics-text ; version = 1.0.0 ; q = 0.9 ,\ttext/plain ; q = 0.1 ",
          OPENMETRICS },
        { "application/openmetrics-text;charset=utf-8;q=0.9,text/plain;charset=utf-8;q=0.1", OPENMETRICS },
        { "application/openmetrics-text;;q=0.9,text/plain;q=0.1", OPENMETRICS },
        { "application/openmetrics-text;version;q=0.2,text/plain;q=0.1", OPENMETRICS },

        /* what is not a quality counts as if it were not there: 1 */
        { "text/plain;q=0.9,application/openmetrics-text;q=high", OPENMETRICS },
        { "text/plain;q=0.9,application/openmetrics-text;q=-1", OPENMETRICS },
        { "text/plain;q=0.9,application/openmetrics-text;q=0.12345", OPENMETRICS },
        { "text/plain;q=0.9,application/openmetrics-text;q=0,5", TEXT },
        { "text/plain;q=0.9,application/openmetrics-text;q=", OPENMETRICS },
        { "text/plain;q=0.9,application/openmetrics-text;q=1.5", OPENMETRICS },
        { "text/plain;q=0.9,application/openmetrics-text;q=1.000", OPENMETRICS },
        { "text/plain;q=0.9,application/openmetrics-text;q=0.", TEXT },

        /* other formats, and what only looks like ours */
        { "application/json", TEXT },
        { "application/json,application/openmetrics-text;q=0.1", OPENMETRICS },
        { "application/openmetrics", TEXT },
        { "application/openmetrics-text2", TEXT },
        { "openmetrics-text", TEXT },
        { "*", TEXT },
};

START_TEST(a_header_chooses_a_format)
{
        /* On the heap, so that a step beyond its end is seen. */
        char *accept = cases[_i].accept ? strdup(cases[_i].accept) : NULL;

        ck_assert_msg(accept_choose(accept) == cases[_i].format, "%s", accept);
        free(accept);
}
END_TEST

START_TEST(a_long_header_is_read_to_its_end)
{
        static const char one[] = "application/json;q=0.9,", last[] = "application/openmetrics-text";
        enum { N = 10000 };
        char *accept = malloc(N * (sizeof one - 1) + sizeof last);

        for (size_t i = 0; i < N; i++)
                memcpy(accept + i * (sizeof one - 1), one, sizeof one - 1);
        memcpy(accept + N * (sizeof one - 1), last, sizeof last);

        ck_assert_int_eq(accept_choose(accept), OPENMETRICS);
        free(accept);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("accept");
        TCase *choosing = tcase_create("choosing");

        tcase_add_loop_test(choosing, a_header_chooses_a_format, 0, ELEMENTSOF(cases));
        tcase_add_test(choosing, a_long_header_is_read_to_its_end);
        suite_add_tcase(suite, choosing);

        return suite_main(suite);
}
