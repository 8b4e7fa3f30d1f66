/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/codepage.h"

#include <iconv.h>

#include "base/memory/mem.h"

struct ldc_codepage_converter {
    iconv_t iconv;
};

struct ldc_codepage_converter *ldc_codepage_open(enum ldc_codepage codepage)
{
    iconv_t iconv = iconv_open("UTF-8", codepage == LDC_CODEPAGE_1252 ? "CP1252" : "GBK");
    if (iconv == (iconv_t)-1)
        return NULL;
    struct ldc_codepage_converter *converter = mem_new(struct ldc_codepage_converter);
    converter->iconv = iconv;
    return converter;
}

size_t ldc_codepage_convert(struct ldc_codepage_converter *converter, const char *bytes, size_t n,
                            char out[8])
{
    for (size_t len = 1; len <= 2 && len <= n; len++) {
        char *in = (char *)bytes, *to = out;
        size_t in_left = len, out_left = 7;
        if (iconv(converter->iconv, &in, &in_left, &to, &out_left) == 0 && in_left == 0) {
            *to = '\0';
            return len;
        }
        iconv(converter->iconv, NULL, NULL, NULL, NULL);
    }
    return 0;
}

void ldc_codepage_close(struct ldc_codepage_converter *converter)
{
    if (!converter)
        return;
    iconv_close(converter->iconv);
    mem_free(converter);
}
