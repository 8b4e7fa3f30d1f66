/* SPDX-License-Identifier: MIT */
#include "ldconsole/guard/breaker.h"

#include <string.h>

#include <uv.h>

#include "base/text/str.h"
#include "ldconsole/output/text.h"
#include "runner/runner.h"

/* The first line of what was printed, or why nothing was. */
static void quote_output(const struct run_result *result, char *out, size_t size)
{
    size_t n = result->output_len < size ? result->output_len : size;
    if (result->status == RUN_NOT_STARTED) {
        str_copy(out, size, uv_strerror(result->error));
        return;
    }
    ldc_text_decode(result->output, n, LDC_CODEPAGE_SYSTEM, out, size);
    out[strcspn(out, "\r\n")] = '\0';
}

void ldc_breaker_call_read(struct ldc_breaker_call *call, const char *command_line,
                           const struct run_result *result)
{
    str_copy(call->command, sizeof(call->command), command_line);
    if (!result)
        return;
    quote_output(result, call->output, sizeof(call->output));
    call->exit_code = result->status == RUN_EXITED ? result->exit_code : 0;
    call->duration_ms = (unsigned)result->duration_ms;
}
