/* The lightest agent: child MESSAGES PEER [FLOOD]. It answers each init with
 * ready and each observe with an act that sends MESSAGES messages to PEER, and
 * keeps nothing. type, agent and tick come first in the runtime's lines. From
 * its first observe on it floods: its log, its stdout, memory, or the processor
 * (busy). */
#define _GNU_SOURCE /* memmem */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char in[2 << 20], out[2 << 20], tail[1 << 20];
static size_t used, tailed;
static const char *flood;

static void put(const char *s, size_t n) {
	memcpy(out + used, s, n);
	used += n;
}

static void add(const char *s) {
	size_t n = strlen(s);
	memcpy(tail + tailed, s, n);
	tailed += n;
}

/* value finds what stands behind a key, up to and with the character end. */
static char *value(char *line, char *stop, const char *key, char end, size_t *n) {
	char *at = memmem(line, stop - line, key, strlen(key));
	char *last;
	if (!at) exit(1);
	at += strlen(key);
	last = memchr(at, end, stop - at);
	if (!last) exit(1);
	*n = last - at + 1;
	return at;
}

/* hoard takes memory, to a bound, until the process is ended. */
static void hoard(pid_t parent) {
	size_t i;
	for (i = 0; i < 256 && getppid() == parent; i++) {
		char *part = malloc(1 << 20);
		if (part) memset(part, 1, 1 << 20);
	}
	while (getppid() == parent) sleep(1);
	_exit(0);
}

/* begin starts a process that floods until this one is gone. It writes lines
 * without braces, so many at once that none is torn by what this one writes. */
static void begin(const char *what) {
	static char noise[4096];
	size_t i;
	int fd = !strcmp(what, "log") ? 2 : !strcmp(what, "stdout") ? 1 : -1;
	pid_t parent = getpid(), pid = fork();
	if (pid < 0) exit(1);
	if (pid) return;
	if (!strcmp(what, "memory")) hoard(parent);
	memset(noise, '.', sizeof noise);
	for (i = 63; i < sizeof noise; i += 64) noise[i] = '\n';
	while (getppid() == parent && (fd < 0 || write(fd, noise, sizeof noise) > 0));
	_exit(0);
}

static void hear(char *line, char *stop) {
	static const char init[] = "{\"type\":\"init\"", observe[] = "{\"type\":\"observe\"";
	size_t n;
	char *s;
	if (stop - line >= (long)sizeof init && !memcmp(line, init, sizeof init - 1)) {
		s = value(line, stop, "\"agent\":\"", '"', &n);
		put("{\"type\":\"ready\",\"agent\":\"", 25);
		put(s, n);
		put("}\n", 2);
	} else if (stop - line >= (long)sizeof observe && !memcmp(line, observe, sizeof observe - 1)) {
		s = value(line, stop, "\"agent\":\"", '"', &n);
		put("{\"type\":\"act\",\"agent\":\"", 23);
		put(s, n);
		put(",\"tick\":", 8);
		s = value(s, stop, "\"tick\":", ',', &n);
		put(s, n - 1);
		put(tail, tailed);
		if (flood) begin(flood);
		flood = NULL;
	}
}

int main(int argc, char **argv) {
	size_t have = 0;
	int i, messages = argc > 1 ? atoi(argv[1]) : 0;
	const char *peer = argc > 2 ? argv[2] : "";
	if (argc > 3 && strcmp(argv[3], "none")) flood = argv[3];
	add(",\"action\":{\"n\":1}");
	for (i = 0; i < messages && tailed < sizeof tail - 256; i++) {
		add(i ? "," : ",\"send\":[");
		add("{\"to\":\"");
		add(peer);
		add("\",\"body\":\"hello\"}");
	}
	add(i ? "]}\n" : "}\n");
	for (;;) {
		char *line = in, *stop;
		size_t done;
		ssize_t n = read(0, in + have, sizeof in - have);
		if (n <= 0) return 0;
		have += n;
		used = 0;
		while ((stop = memchr(line, '\n', in + have - line))) {
			hear(line, stop);
			line = stop + 1;
		}
		have -= line - in;
		memmove(in, line, have);
		for (done = 0; done < used; done += n) {
			n = write(1, out + done, used - done);
			if (n <= 0) return 0;
		}
	}
}
