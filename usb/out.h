/* SPDX-License-Identifier: Apache-2.0 */
/* The folder in which is gathered what goes to a stick. */
#pragma once

int usb_out_make(const char *dir); /* with the folders that a stick may have, empty; 0 or -errno */
