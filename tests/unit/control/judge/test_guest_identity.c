/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "control/judge/guest_identity.h"

static void set(struct cache_instance *i, enum ldc_setting setting, const char *value)
{
    i->settings.values[setting].is_set = *value != '\0';
    str_copy(i->settings.values[setting].text, sizeof(i->settings.values[setting].text), value);
}

static void know(struct cache_snapshot *all, int index, const char *mac, const char *android_id,
                 const char *sim_serial)
{
    struct cache_instance i;
    cache_instance_init(&i);
    i.index = index;
    i.id[0] = (char)('0' + index);
    set(&i, LDC_SETTING_MAC, mac);
    set(&i, LDC_SETTING_ANDROID_ID, android_id);
    set(&i, LDC_SETTING_SIM_SERIAL, sim_serial);
    cache_snapshot_put_one(all, &i);
    cache_instance_deinit(&i);
}

#define OWN CACHE_VERIFIED_OWN
#define OTHER CACHE_VERIFIED_OTHER
#define FOREIGN CACHE_VERIFIED_FOREIGN
#define UNKNOWN CACHE_VERIFIED_UNKNOWN

/* Instance 0 is asked, by adb. 1 is another one, 2 and 3 are clones, 4 has never been started, the
 * config of 5 has no MAC. */
static const struct {
    const char *what;
    int asked;
    struct ldc_guest guest;
    enum cache_verified verified;
    const char *reason;
} rows[] = {
    {"all of it is its own",
     0,
     {.mac = "00dbbf9a0870", .android_id = "a0", .serial = "s0"},
     OWN,
     ""},
    {"one of its own will do", 0, {.mac = "00DBBF9A0870"}, OWN, ""},
    {"a new android id that is not yet in use",
     0,
     {.mac = "00DBBF9A0870", .android_id = "ff"},
     OWN,
     ""},
    {"its serial number beside strange ones",
     0,
     {.mac = "080027aaaaaa", .android_id = "ff", .serial = "s0"},
     OWN,
     ""},
    {"nothing can be read", 0, {0}, UNKNOWN, ""},
    {"a MAC that the guest does not take from its config", 0, {.mac = "080027aaaaaa"}, UNKNOWN, ""},
    {"a serial number of no config", 0, {.mac = "080027aaaaaa", .serial = "x"}, UNKNOWN, ""},
    {"a MAC of nobody, where its config has none", 5, {.mac = "080027aaaaaa"}, UNKNOWN, ""},
    {"an android id of nobody, where its config has no MAC",
     5,
     {.android_id = "ff"},
     FOREIGN,
     "its MAC address (unreadable) or its android id ff"},
    {"a MAC that its config has not, and an android id of nobody",
     5,
     {.mac = "080027aaaaaa", .android_id = "ff"},
     FOREIGN,
     "no config has"},
    {"a MAC that its config has not, beside its own android id",
     5,
     {.mac = "080027aaaaaa", .android_id = "a5"},
     OWN,
     ""},
    {"a strange MAC beside an android id that two have",
     2,
     {.mac = "080027aaaaaa", .android_id = "a2"},
     UNKNOWN,
     ""},
    {"what it was booted with, before both were changed",
     0,
     {.mac = "00dbbf9a08ff", .android_id = "f0"},
     OWN,
     ""},
    {"a serial number alone, of nobody", 0, {.serial = "x"}, UNKNOWN, ""},
    {"another instance's MAC",
     0,
     {.mac = "00dbbf9a0871"},
     OTHER,
     "another guest answers: its MAC address 00dbbf9a0871 is that of instance 1"},
    {"another instance's android id beside a strange MAC",
     0,
     {.mac = "080027aaaaaa", .android_id = "A1"},
     OTHER,
     "its android id A1 is that of instance 1"},
    {"another instance's serial number", 0, {.serial = "s1"}, OTHER, "serial number s1"},
    {"two that contradict each other", 0, {.mac = "00dbbf9a0870", .android_id = "a1"}, UNKNOWN, ""},
    {"MAC and android id of nobody",
     0,
     {.mac = "080027aaaaaa", .android_id = "ff", .serial = "x"},
     FOREIGN,
     "no config has its MAC address 080027aaaaaa or its android id ff"},
    {"equal values of clones", 2, {.mac = "00dbbf9a0872", .android_id = "a2"}, UNKNOWN, ""},
    {"a clone's, seen from elsewhere", 0, {.mac = "00dbbf9a0872"}, OTHER, "of instance 2"},
    {"its config has no values yet", 4, {.mac = "080027aaaaaa", .android_id = "ff"}, UNKNOWN, ""},
    {"its config has no values yet, another's has these",
     4,
     {.mac = "00dbbf9a0870"},
     OTHER,
     "instance 0"},
};

static const struct cache_booted none, booted = {1, "00DBBF9A08FF", "f0", ""};

Test(ctl_guest_identity, follows_the_table)
{
    struct cache_snapshot *all = cache_snapshot_new(NULL, NULL);
    know(all, 0, "00DBBF9A0870", "a0", "s0");
    know(all, 1, "00DBBF9A0871", "a1", "s1");
    know(all, 2, "00DBBF9A0872", "a2", "s2");
    know(all, 3, "00DBBF9A0872", "a2", "s2");
    know(all, 4, "", "", "");
    know(all, 5, "", "a5", "");
    for (size_t i = 0; i < countof(rows); i++) {
        struct ctl_guest_identity identity;
        char id[] = {(char)('0' + rows[i].asked), '\0'};
        ctl_guest_identify(all, id, rows[i].asked == 0 ? &booted : &none, &rows[i].guest, true,
                           &identity);
        cr_expect_eq(identity.verified, rows[i].verified, "%s: %s", rows[i].what,
                     cache_verified_names[identity.verified]);
        cr_expect(strstr(identity.reason, rows[i].reason), "%s: %s", rows[i].what, identity.reason);
        cr_expect_eq(!identity.reason[0], !rows[i].reason[0], "%s: %s", rows[i].what,
                     identity.reason);
    }
    cache_snapshot_free(all);
}

Test(ctl_guest_identity, ld_goes_by_the_index_and_leads_to_no_stranger)
{
    struct cache_snapshot *all = cache_snapshot_new(NULL, NULL);
    struct ldc_guest guest = {.mac = "080027aaaaaa", .android_id = "ff"};
    struct ctl_guest_identity identity;
    know(all, 0, "00DBBF9A0870", "a0", "s0");
    ctl_guest_identify(all, "0", &none, &guest, false, &identity);
    cr_expect_eq(identity.verified, CACHE_VERIFIED_UNKNOWN);
    cr_expect_str_eq(identity.reason, "");
    ctl_guest_identify(all, "0", &none, &guest, true, &identity);
    cr_expect_eq(identity.verified, CACHE_VERIFIED_FOREIGN);
    cache_snapshot_free(all);
}
