/* SPDX-License-Identifier: MIT */
#ifndef LDC_ADB_SERIAL_H
#define LDC_ADB_SERIAL_H

/** What adb calls the instances (reference 4): `emulator-5554` and, once connected,
 *  `127.0.0.1:5555` are index 0, and each further index is two ports higher. A pure rule: whose
 *  guest answers there is another question. */

enum { LDC_ADB_SERIAL_SIZE = 32 };

/** The first of the two forms. */
void ldc_adb_serial_write(int index, char ret[LDC_ADB_SERIAL_SIZE]);
/** The index of SERIAL, in either form; -1 when it is the serial of none. */
int ldc_adb_serial_index(const char *serial);

#endif
