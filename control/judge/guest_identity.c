/* SPDX-License-Identifier: MIT */
#include "control/judge/guest_identity.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"

/* What the configs say of one value. */
struct owners {
    bool is_known; /* by the config of the instance that was asked */
    bool is_own;
    const struct cache_instance *other; /* the first that has it too; NULL = none */
};

static bool has(const struct cache_instance *i, enum ldc_setting setting, const char *value)
{
    const struct ldc_setting_value *own = &i->settings.values[setting];
    return own->is_set && str_is_equal_nocase(own->text, value);
}

static struct owners find_owners(const struct cache_snapshot *all, const char *id,
                                 const char *booted, enum ldc_setting setting, const char *value)
{
    struct owners ret = {.is_own = str_is_equal_nocase(booted, value)};
    for (size_t n = 0; n < cache_snapshot_count(all); n++) {
        const struct cache_instance *i = &cache_snapshot_at(all, n)->instance;
        if (strcmp(i->id, id) == 0) {
            ret.is_known = i->settings.values[setting].is_set;
            ret.is_own |= has(i, setting, value);
        } else if (!ret.other && has(i, setting, value)) {
            ret.other = i;
        }
    }
    return ret;
}

void ctl_guest_identify(const struct cache_snapshot *all, const char *id,
                        const struct cache_booted *booted, const struct ldc_guest *guest,
                        bool has_port, struct ctl_guest_identity *ret)
{
    const struct {
        const char *name, *value, *booted;
        enum ldc_setting setting;
        bool is_always_set; /* a guest of LDPlayer has that of its config, as far as is known */
    } values[] = {
        {"MAC address", guest->mac, booted->mac, LDC_SETTING_MAC, true},
        {"android id", guest->android_id, booted->android_id, LDC_SETTING_ANDROID_ID, true},
        {"serial number", guest->serial, booted->sim_serial, LDC_SETTING_SIM_SERIAL, false},
    };
    unsigned n_own = 0, n_others = 0, n_known = 0, n_strange = 0;

    *ret = (struct ctl_guest_identity){0};
    for (size_t v = 0; v < countof(values); v++) {
        struct owners owners =
            find_owners(all, id, values[v].booted, values[v].setting, values[v].value);
        bool is_expected = values[v].is_always_set && owners.is_known;
        n_known += is_expected;
        if (!values[v].value[0])
            continue;
        n_own += owners.is_own && !owners.other;
        n_strange += is_expected && !owners.is_own && !owners.other;
        if (owners.is_own || !owners.other || n_others++ > 0)
            continue;
        snprintf(ret->reason, sizeof(ret->reason),
                 "another guest answers: its %s %s is that of instance %d", values[v].name,
                 values[v].value, owners.other->index);
    }
    if (n_own > 0) {
        ret->verified = n_others == 0 ? CACHE_VERIFIED_OWN : CACHE_VERIFIED_UNKNOWN;
        ret->reason[0] = '\0';
    } else if (n_others > 0) {
        ret->verified = CACHE_VERIFIED_OTHER;
    } else if (n_strange > 0 && n_strange == n_known && has_port) {
        ret->verified = CACHE_VERIFIED_FOREIGN;
        snprintf(ret->reason, sizeof(ret->reason),
                 "the guest of no LDPlayer instance answers: no config has its MAC address %s or "
                 "its android id %s",
                 guest->mac[0] ? guest->mac : "(unreadable)",
                 guest->android_id[0] ? guest->android_id : "(unreadable)");
    }
}
