/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, their private keys, and keys of others, made with openssl for tests. */
#pragma once

static const char ec_cert[] = "-----BEGIN CERTIFICATE-----\n"
			      "MIIBaTCCAQ+gAwIBAgIUVdznxBk0szZyKbZGH+QHGx2crV4wCgYIKoZIzj0EAwIw\n"
			      "DDEKMAgGA1UEAwwBeDAgFw0yNjExMjExNTA1NDZaGA8yMDUxMDcxMzE1MDU0Nlow\n"
			      "DDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBBKND4CNfmU\n"
			      "pntaW9vfDpi/MROIu52xLTEpi6CD1F2IP9NtVShyFDob3Ad9bcpn9KmuMOUq84Gu\n"
			      "RkpjyRV2hDSjTTBLMB0GA1UdDgQWBBSYnvqxGpNHUu4gWeCSBxETlyslxzAfBgNV\n"
			      "HSMEGDAWgBSYnvqxGpNHUu4gWeCSBxETlyslxzAJBgNVHRMEAjAAMAoGCCqGSM49\n"
			      "BAMCA0gAMEUCIHjNyi0GysDpk3aoo5UKdMoX8vvtQRXoybb61PU5t5U9AiEAyte1\n"
			      "AIY2W23D/Yg0y5+YsF+NaY+azb14mzFt4tHwXww=\n"
			      "-----END CERTIFICATE-----\n";

static const char ec_key[] = "-----BEGIN PRIVATE KEY-----\n"
			     "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgU/q1fdk1xd0s4VKV\n"
			     "/4qCjLqUf0kC93hk8zIJlb6F/wShRANCAAQQSjQ+AjX5lKZ7Wlvb3w6YvzETiLud\n"
			     "sS0xKYugg9RdiD/TbVUochQ6G9wHfW3KZ/SprjDlKvOBrkZKY8kVdoQ0\n"
			     "-----END PRIVATE KEY-----\n";

static const char ec_key_sec1[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEIFP6tX3ZNcXdLOFSlf+Kgoy6lH9JAvd4ZPMyCZW+hf8EoAoGCCqGSM49\n"
	"AwEHoUQDQgAEEEo0PgI1+ZSme1pb298OmL8xE4i7nbEtMSmLoIPUXYg/021VKHIU\n"
	"OhvcB31tymf0qa4w5Srzga5GSmPJFXaENA==\n"
	"-----END EC PRIVATE KEY-----\n";

static const char ec_key_compressed[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MFcCAQEEIFP6tX3ZNcXdLOFSlf+Kgoy6lH9JAvd4ZPMyCZW+hf8EoAoGCCqGSM49\n"
	"AwEHoSQDIgACEEo0PgI1+ZSme1pb298OmL8xE4i7nbEtMSmLoIPUXYg=\n"
	"-----END EC PRIVATE KEY-----\n";

static const char ec_other[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmez4Lkzcu00zkMf0\n"
			       "auDE5+vrWjyziWI+G/624WOdIqqhRANCAARyjJ1MYR5ShCHRKTQnkNt9zX4yFSgp\n"
			       "vhCnLkRHZyrbTJOAokCAMpNB6G6Jz1y5tvt9HHprNHDaYj+o+N7awocU\n"
			       "-----END PRIVATE KEY-----\n";

static const char rsa_cert[] = "-----BEGIN CERTIFICATE-----\n"
			       "MIIB8DCCAVmgAwIBAgIUKqwQGu7nDopW+g3vPa3K0EO2tu4wDQYJKoZIhvcNAQEL\n"
			       "BQAwDDEKMAgGA1UEAwwBeDAgFw0yNjExMjExNTA1NDZaGA8yMDUxMDcxMzE1MDU0\n"
			       "NlowDDEKMAgGA1UEAwwBeDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAugxt\n"
			       "GoGX4+mONwWZ5wQ9D7Z6UNz0RwV4gO9pFJ9CmJGrTVthCmusqsj8yjJsxAN+AeWA\n"
			       "EGV2aWTDLlyybYs5nits23TymphvABuof1E1Vcp7SiZHQtCL/7O9XAeS0lTvzFvV\n"
			       "hSFoFO4ke40oBYl3Bplbi/2CBEPJtRjn1+niGNsCAwEAAaNNMEswHQYDVR0OBBYE\n"
			       "FO/5GF2CYD382sfSrxi+OvWKTnnHMB8GA1UdIwQYMBaAFO/5GF2CYD382sfSrxi+\n"
			       "OvWKTnnHMAkGA1UdEwQCMAAwDQYJKoZIhvcNAQELBQADgYEAHjxqjbDFyT8xKFAt\n"
			       "Ju+kIuG2alcm4cSCI2abfAdj4f8Pcng7xs4mqlRPY1/Fmk/D3OEXHWXXCdbfP+oX\n"
			       "x+2SYiqRsUafGTDy4/XHmJuTuR0RXSr2aJFkUNtyjzuO0VrPm5pDcNfGRjPiq+Gt\n"
			       "qg1djuxfVsGBxlhBbaPlyrNBxSE=\n"
			       "-----END CERTIFICATE-----\n";

static const char rsa_key[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBALoMbRqBl+PpjjcF\n"
			      "mecEPQ+2elDc9EcFeIDvaRSfQpiRq01bYQprrKrI/MoybMQDfgHlgBBldmlkwy5c\n"
			      "sm2LOZ4rbNt08pqYbwAbqH9RNVXKe0omR0LQi/+zvVwHktJU78xb1YUhaBTuJHuN\n"
			      "KAWJdwaZW4v9ggRDybUY59fp4hjbAgMBAAECgYABI2xTejGEunwdSBJ+AF+jRfmP\n"
			      "nxp7iMQI/e4Fq0fMCTAkJAf++VOwI9SwJAjYVjEiL9ZNw2ErGeu7z+NjmjN7CptG\n"
			      "4ygIdsOF7jsUoAG0X3T6S8wa/lZt/mVQywT/UcHCR7oH0t9gf+QOgkyPwD2bOr6i\n"
			      "57qNoW0uOdlwrAGMyQJBANpi1MaU2HWSetieuwY3eoyJAYZ57LuJL0SzWUUiH6I4\n"
			      "dcERreq64F0dEERDxl63yza6gPAGsSVCSa3LdwB8PYcCQQDaF8F09fDej3gDMM0s\n"
			      "xrYcho0TvDuf6bR0llbQnnJgT+SonIvxmdDN9e1KwwSPYwBtkU59jFUMIsYNeoeR\n"
			      "y38NAkB9fHC7Mug2ltbUBlF9Pv/CJS+lMAYhtLBej5fqK7N1qW+wYxJGYN9vYbXp\n"
			      "I/CmmIHCjuRsB8xelnpzzQgyVTGdAkA1/kWd0Dmmz/wVRiK1oCh73W/V3/ce+vv7\n"
			      "FTE/CsskPwNMHx2iXcNNCkKKDMf3O7piZeP5vyFbFMzVj2060heNAkBlQ05sIdWh\n"
			      "aSNs4paVaG96tVnIdtwwVn5ySg0FrqA5Im2O4iAmYTG1Z5EVv3gEpUGjb/MKFNah\n"
			      "sm8FbToXxOcx\n"
			      "-----END PRIVATE KEY-----\n";

static const char rsa_key_pkcs1[] =
	"-----BEGIN RSA PRIVATE KEY-----\n"
	"MIICWwIBAAKBgQC6DG0agZfj6Y43BZnnBD0PtnpQ3PRHBXiA72kUn0KYkatNW2EK\n"
	"a6yqyPzKMmzEA34B5YAQZXZpZMMuXLJtizmeK2zbdPKamG8AG6h/UTVVyntKJkdC\n"
	"0Iv/s71cB5LSVO/MW9WFIWgU7iR7jSgFiXcGmVuL/YIEQ8m1GOfX6eIY2wIDAQAB\n"
	"AoGAASNsU3oxhLp8HUgSfgBfo0X5j58ae4jECP3uBatHzAkwJCQH/vlTsCPUsCQI\n"
	"2FYxIi/WTcNhKxnru8/jY5ozewqbRuMoCHbDhe47FKABtF90+kvMGv5Wbf5lUMsE\n"
	"/1HBwke6B9LfYH/kDoJMj8A9mzq+oue6jaFtLjnZcKwBjMkCQQDaYtTGlNh1knrY\n"
	"nrsGN3qMiQGGeey7iS9Es1lFIh+iOHXBEa3quuBdHRBEQ8Zet8s2uoDwBrElQkmt\n"
	"y3cAfD2HAkEA2hfBdPXw3o94AzDNLMa2HIaNE7w7n+m0dJZW0J5yYE/kqJyL8ZnQ\n"
	"zfXtSsMEj2MAbZFOfYxVDCLGDXqHkct/DQJAfXxwuzLoNpbW1AZRfT7/wiUvpTAG\n"
	"IbSwXo+X6iuzdalvsGMSRmDfb2G16SPwppiBwo7kbAfMXpZ6c80IMlUxnQJANf5F\n"
	"ndA5ps/8FUYitaAoe91v1d/3Hvr7+xUxPwrLJD8DTB8dol3DTQpCigzH9zu6YmXj\n"
	"+b8hWxTM1Y9tOtIXjQJAZUNObCHVoWkjbOKWlWhverVZyHbcMFZ+ckoNBa6gOSJt\n"
	"juIgJmExtWeRFb94BKVBo2/zChTWobJvBW06F8TnMQ==\n"
	"-----END RSA PRIVATE KEY-----\n";

static const char rsa_other[] = "-----BEGIN PRIVATE KEY-----\n"
				"MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAPDTd19dKTQITn/q\n"
				"PPgc17P5RwamJ+J0TmqU72lRmO5PiJZrYKEFTvkDuuaRSYBF4NEArwcXLOksvPtI\n"
				"pveJN4VSa95Re56kO4wzLBei04eq1+3Ma4voFx1NYz2zGS0B+pBHfeJuJnD35rqY\n"
				"+UhoVzXZ6HNF/X3SbDS7UrSfPLLzAgMBAAECgYEAxMVECBtqiyUuXr3ZSzDl3huT\n"
				"uQ8SD6nQWK2QYJFXT4CUrbLWpTpdKIGvuKyFTdXKt3rDiBubinoPf5IBOshXH3Y+\n"
				"VYtUasfxZMBFBAiGp9Hsaj4WUNPkKUjY9vB/YWpI2wDOVmFAGggOyrZ4tQD3rwgD\n"
				"14EejPMkA32VboEtMsECQQD9U257SycNR5+YCgT/2994AA5VYdBB3ygPIMQX3vSa\n"
				"CFLSJtYNyfn2/mdvkzltQ8zmXJ88/feckbsMqN/ohcmpAkEA815BjQ2w/spAeL3P\n"
				"LqrbdvVXOHb88aKVFnkXZxFdSVHFx0uAflCrXJRSwQwMhmcmVAIWXkvQtKJuqOco\n"
				"dcsROwJBAMN89M80aYh38xKS+NSxSjwCXw1IlDuhB/rUoD6DkWKkdbUyvxCZAsq1\n"
				"/ABALprBLYe/hiq9Ga27UAsu7sszIzECQFKGILZC8UTEsm3+9xU9DKRe90+HUahi\n"
				"WCnBsATcJ4ToPKei25R5qFIBXbpmaozcx2tvNcSN8tx9xAZ0NA0VaecCQC0M4BJR\n"
				"MLAu1xqXm7Wb6xYmksU3JvLEN4q8HtjKF+2gFXuNSNUwJsuVpSgisI5ZKLLwVxa+\n"
				"w/swsT5QkI5kG4k=\n"
				"-----END PRIVATE KEY-----\n";

static const char ed_cert[] = "-----BEGIN CERTIFICATE-----\n"
			      "MIIBKDCB26ADAgECAhRoy/RYcLcnO6ugYl73t/b6a9Y5oDAFBgMrZXAwDDEKMAgG\n"
			      "A1UEAwwBeDAgFw0yNjExMjExNTA1NDZaGA8yMDUxMDcxMzE1MDU0NlowDDEKMAgG\n"
			      "A1UEAwwBeDAqMAUGAytlcAMhAMr/tK7xBOLTgsQF16gJ40EZFEVgZ1P6W4kUGuYi\n"
			      "7vSwo00wSzAdBgNVHQ4EFgQUThS4/zTCxlZlXD0/A7RPZGCPJ6AwHwYDVR0jBBgw\n"
			      "FoAUThS4/zTCxlZlXD0/A7RPZGCPJ6AwCQYDVR0TBAIwADAFBgMrZXADQQD2ZKW4\n"
			      "v9JM1wQoo2SwS1hod2n10H3NADh+v4c/h9eN7oHbQRGi9aZcQZFRnn5BgDlKyvmU\n"
			      "ftjUkJH2m4eGQNEO\n"
			      "-----END CERTIFICATE-----\n";

static const char ed_key[] = "-----BEGIN PRIVATE KEY-----\n"
			     "MC4CAQAwBQYDK2VwBCIEINT4v7eqWa8+mY+xkUoWQLHK7FAAh+bUdD6gVwmWmMT3\n"
			     "-----END PRIVATE KEY-----\n";

static const char ed_other[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MC4CAQAwBQYDK2VwBCIEIBxVPmIwhElerBZLPKtw43oNeJXeCNVliGhGN+0X5Flk\n"
			       "-----END PRIVATE KEY-----\n";
