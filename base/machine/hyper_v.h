/* SPDX-License-Identifier: MIT */
#ifndef BASE_HYPER_V_H
#define BASE_HYPER_V_H

#include <stdbool.h>

/** Whether this system runs on top of its own Hyper-V: Windows with that feature, WSL 2 or
 *  virtualisation-based security switched on. By the processor (cpuid leaf 0x40000003, Microsoft's
 *  Hypervisor Top Level Functional Specification 2.4: only the root partition may create others);
 *  false in a guest of somebody else's Hyper-V, and on other processors than x86. Any thread. */
bool system_has_hyper_v(void);

#endif
