/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/test_view.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

static const char *stage_of(const Ew__PortTest *test)
{
	static const char *const names[] = { "link", "address", "gateway", "dns",
					     "tcp",  "tls",	"http",	   "done" };

	return (size_t)test->stage < ARRAY_SIZE(names) ? names[test->stage] : "?";
}

void test_word(const Ew__PortTest *test, struct strbuf *out)
{
	static const char *const words[] = { NULL, NULL, "waits", "remote", "failed" };

	if (!test)
		return;
	if (test->outcome == EW__TEST_OUTCOME__TEST_OK)
		strbuf_add(out, test->target[0] ? "ok" : "");
	else if ((size_t)test->outcome >= ARRAY_SIZE(words) || !words[test->outcome])
		strbuf_add(out, "untested");
	else if (test->stage >= EW__TEST_STAGE__TEST_STAGE_GATEWAY)
		strbuf_addf(out, "%s:%s", words[test->outcome], stage_of(test));
}

void test_sentence(const Ew__PortTest *test, struct strbuf *out)
{
	static const char *const words[] = { NULL, NULL, "is not ready at stage ",
					     "the far end is at fault at stage ",
					     "failed at stage " };

	if (test->outcome == EW__TEST_OUTCOME__TEST_OK && test->target[0])
		strbuf_addf(out, "passed in %u ms: %s%s%s", test->latency_ms, test->target,
			    test->proxy[0] ? " by " : "", test->proxy);
	else if (test->outcome == EW__TEST_OUTCOME__TEST_OK)
		strbuf_add(out, "passed: link, address and gateway; nothing farther was asked");
	else if ((size_t)test->outcome < ARRAY_SIZE(words) && words[test->outcome])
		strbuf_addf(out, "%s%s: %s", words[test->outcome], stage_of(test), test->error);
	else
		strbuf_addf(out, "not known: %s", test->error);
}

bool test_failed_far(const Ew__PortTest *test)
{
	return test && test->outcome > EW__TEST_OUTCOME__TEST_OK &&
	       test->stage >= EW__TEST_STAGE__TEST_STAGE_GATEWAY;
}
