/* SPDX-License-Identifier: MIT */
#include "api/describe/event.h"

#include "base/memory/cleanup.h"

const struct api_event_type api_event_types[] = {
    {"instance.added", "InstanceSeen", "An instance was seen for the first time."},
    {"instance.changed", "InstanceChanged", "An instance is not as it was: what, from and to."},
    {"instance.config_restored", "ConfigRestored",
     "What its config file had lost, after a forced end, was put back from our copy."},
    {"instance.drifted", "InstanceDrifted",
     "Settings that an operation set are otherwise, and no operation changed them."},
    {"instance.healthy", "InstanceSeen", "It is well again."},
    {"instance.unhealthy", "InstanceUnhealthy",
     "It is in a condition that does not pass by itself: which, why, and what its `repair` allows."},
    {"instance.recreated", "{id: uuid, index: count, reason: text}",
     "After an instance was removed LDPlayer made an empty one of its number, and it has stayed."},
    {"instance.removed", "InstanceSeen", "An instance is gone; as it was last seen."},

    {"operation.queued", "OperationMoved", "An operation is durable and waits for its turn."},
    {"operation.waiting_for_session", "OperationMoved",
     "It waits until ldconsole can run in somebody's session."},
    {"operation.running", "OperationMoved", "A step of it began."},
    {"operation.succeeded", "OperationMoved", "It ended, and its effect was seen."},
    {"operation.failed", "OperationMoved", "It ended without its effect; `error` says why."},
    {"operation.timed_out", "OperationMoved", "Its time was up before its effect was seen."},
    {"operation.cancelled", "OperationMoved", "Somebody cancelled it."},
    {"operation.interrupted", "OperationMoved",
     "The service ended in the middle of it, and what came of it is not known."},

    {"breaker.closed", "BreakerMoved", "Calls pass again."},
    {"breaker.open", "BreakerMoved", "Too many calls failed: calls are refused for a while."},
    {"breaker.half-open", "BreakerMoved", "One call is let through to find out."},
    {"breaker.forced-open", "BreakerMoved", "An admin holds it open."},
    {"breaker.forced-closed", "BreakerMoved", "An admin keeps it closed, whatever fails."},
    {"breaker.disabled", "BreakerMoved", "An admin lets every call through."},

    {"workstation.added", "WorkstationSeen", "A workstation was made known."},
    {"workstation.changed", "WorkstationChanged", "A workstation changed, its status too."},
    {"workstation.removed", "WorkstationSeen", "A workstation was forgotten."},
    {"workstation.observation", "ObservationChanged",
     "The instances can, or can no longer, be looked at."},
    {"workstation.healing", "HealingStopped",
     "The watchdog heals nothing any more, because many instances are ill at the same time or the "
     "acts that an hour allows are used up; or it does again."},
    {"workstation.hyper_v", "{reason: text}",
     "This machine runs on Hyper-V, with which LDPlayer's boots take longer. Told once a start of "
     "the service."},
    {"workstation.manager", "ManagerSeen",
     "LDPlayer's manager window was opened or closed; when it closes it writes the config files as "
     "it had read them."},

    {"cache.invalidated", "CacheForgot", "An admin had results forgotten."},
    {"cache.configured", "CacheConfigured", "An admin changed the limits of the result cache."},

    {"session.agent_started", "AgentStarted", "The session agent is at work."},
    {"session.agent_lost", "AgentLost", "The session agent was lost and is started again."},
    {"session.agent_refused", "{reason: text}", "Somebody else tried to be the session agent."},
    {"session.none", "{reason: text}", "There is no session to run ldconsole in."},

    {"service.started", "ServiceStarted", "The service is at work."},
    {"service.stopping", "{reason: text}", "The service ends."},
    {"service.reloaded", "{log_level: text}", "The configuration was read again."},
    {"service.chaos_begun", "ChaosBegun",
     "A drill has begun: ldconsole fails on purpose until it is over."},
    {"service.chaos_ended", "ChaosEnded", "A drill is over: ldconsole is left alone again."},
    {"service.resumed", "{reason: text}",
     "The computer was asleep; everything is looked at again."},
    {"service.crashed", "{dump: text}", "The service crashed before this start."},
    {"service.database_repaired", "Repair",
     "The database was damaged and a new one made of what could be read; the old one is kept. "
     "Without kept it looked damaged or exchanged and was found to be sound: it may be an older one."},
    {"service.database_failing", "{reason: text}",
     "The database refuses what is written, so commands are refused."},
    {"service.database_recovered", "{refused_since: time}", "The database takes writes again."},
    {"service.disk_low", "{free_bytes: count}", "The drive of the data directory is nearly full."},
    {"service.disk_enough", "{free_bytes: count}", "It has room again."},

    {"service.database_missing", "Missing",
     "The database was not there at a start, or held nothing that could be read, although there are "
     "copies of it, so a new one was begun; told at each start until one is restored or none is "
     "there any more."},
    {"service.database_restored", "Restored",
     "A backup took the place of the database, which is kept; operations that had not ended in it "
     "are interrupted. `restored` of `GET /api/info` goes on saying it."},
    {"service.backup_made", "{name: text, bytes: count}", "A backup of the database was made."},
    {"service.backup_failed", "{reason: text}", "A backup of the database could not be made."},

    {"security.caller_refused", "CallerRefused",
     "Somebody was refused for want of credentials or of a role; told every few seconds at most."},

    {"gap", "LostRange|LostCount", "Events before this one are lost, or do not come."},
};

const size_t api_n_event_types = countof(api_event_types);
