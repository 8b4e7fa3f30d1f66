/* SPDX-License-Identifier: MIT */
#include "os.h"
#include "timeline.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* Asking how things stand.  Nothing here takes the lock: the files are replaced as a whole, so a
 * reader always sees one state or the other. */

static struct view view_of(const struct call *call, const struct run_list *runs, int index,
                           int64_t now)
{
    const struct run *run = run_list_find(runs, index);
    bool hidden = run && (settings_bool(call->settings, "session0") ||
                          settings_fault(call->settings, index, "hidden"));
    struct view view = timeline_view(run, hidden, now);

    if (view.pid > 0 && settings_fault(call->settings, index, "pids_lost"))
        view = (struct view){.top_window = 1, .state = 1, .pid = -1, .vm_pid = -1};
    return view;
}

/* Column 5 may say 0 beside a pid. */
static bool is_running(const struct view *view)
{
    return view->state != 0 || view->pid > 0;
}

static void print_row(struct call *call, const struct instance *item, const struct view *view)
{
    int columns = (int)settings_int(call->settings, "columns");
    const char *more = settings_text(call->settings, "more_columns");

    text_printf(&call->out, "%d,%s,%lld,%lld,%d,%lld,%lld", item->index,
                catalogue_title(call->settings, item), (long long)view->top_window,
                (long long)view->bind_window, view->state, (long long)view->pid,
                (long long)view->vm_pid);
    if ((columns ? columns : call->profile->columns) == 10)
        text_printf(&call->out, ",%d,%d,%d", item->width, item->height, item->dpi);
    if (*more)
        text_printf(&call->out, ",%s", more);
    text_add(&call->out, "\r\n");
}

static int by_scrambled_index(const void *a, const void *b)
{
    uint32_t left = (uint32_t)((const struct instance *)a)->index * 2654435761U;
    uint32_t right = (uint32_t)((const struct instance *)b)->index * 2654435761U;

    return (left > right) - (left < right);
}

static int by_falling_index(const void *a, const void *b)
{
    return ((const struct instance *)b)->index - ((const struct instance *)a)->index;
}

static void sort_rows(struct call *call)
{
    const char *order = settings_text(call->settings, "row_order");
    struct catalogue *all = &call->catalogue;

    if (all->n_items > 0 && strcmp(order, "index") != 0)
        qsort(all->items, all->n_items, sizeof(*all->items),
              strcmp(order, "reverse") == 0 ? by_falling_index : by_scrambled_index);
}

static void print_rows(struct call *call, bool only_running)
{
    struct run_list runs = run_load_all(call->home);
    int64_t now = os_now_ms();

    sort_rows(call);
    for (size_t i = 0; i < call->catalogue.n_items; i++) {
        const struct instance *item = &call->catalogue.items[i];
        struct view view = view_of(call, &runs, item->index, now);

        if (view.is_left_out || (only_running && !is_running(&view)) ||
            settings_take(call->settings, "row_drop", (struct scope){"", item->index}))
            continue;
        print_row(call, item, &view);
    }
}

void verb_list2(struct call *call)
{
    static const struct instance nobody = {.index = 99999, .title = ""};
    static const struct view off = {.pid = -1, .vm_pid = -1};

    print_rows(call, false);
    if (settings_bool(call->settings, "row_99999"))
        print_row(call, &nobody, &off);
}

/* Seen once, without its format: we give the rows of list2. */
void verb_running_list2(struct call *call)
{
    print_rows(call, true);
}

/* Index, title, something that was 0 also for a running instance, width, height, dpi. */
void verb_list3(struct call *call)
{
    const struct instance *item = call_instance(call);

    text_printf(&call->out, "%d,%s,0,%d,%d,%d\r\n", item->index,
                catalogue_title(call->settings, item), item->width, item->height, item->dpi);
}

void verb_list(struct call *call)
{
    for (size_t i = 0; i < call->catalogue.n_items; i++)
        call_print_line(call, catalogue_title(call->settings, &call->catalogue.items[i]));
}

void verb_runninglist(struct call *call)
{
    struct run_list runs = run_load_all(call->home);
    int64_t now = os_now_ms();

    for (size_t i = 0; i < call->catalogue.n_items; i++) {
        const struct instance *item = &call->catalogue.items[i];
        struct view view = view_of(call, &runs, item->index, now);

        if (is_running(&view))
            call_print_line(call, catalogue_title(call->settings, item));
    }
}

void verb_isrunning(struct call *call)
{
    struct run_list runs = run_load_all(call->home);
    struct view view = view_of(call, &runs, call->index, os_now_ms());

    if (call->index < 0 && !call->profile->isrunning_says_stop)
        text_add(&call->out, "player don't exist!");
    else if (call->index >= 0 && is_running(&view))
        text_add(&call->out, "running");
    else
        text_add(&call->out, "stop");
}
