// A bare reader of streamed chat answers: what any client has to do at least, and nothing else. One thread, one epoll set.
//
//   reader closed PORT CONNECTIONS REQUESTS [TOKENS]          each connection asks, reads to the end, and asks again
//   reader open PORT RATE SECONDS WARMUP [TOKENS [SEED]]      Poisson arrivals, read times held against the server's
//
// The server is the reference server on 127.0.0.1, whose tokens are the times at which it sent them. It never closes a
// connection, so that a closed one ends the reader. Build: cc -O2 -o reader reader.c -lm

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

// Longer than what may be left over from a read: the start of NEEDLE, or NEEDLE with a token that is not whole.
#define CARRY 64
#define NEEDLE "\"content\":\""
#define END "\r\n0\r\n\r\n"
#define LENGTH(text) (sizeof(text) - 1)
#define MOST 30000
#define TIMER MOST

struct connection {
    int fd;
    int measured;
    uint64_t tokens, stamp, token; // of this answer; when its last token was read, and when it was sent
    size_t left;
    char carry[CARRY];
};

struct errors {
    double *ms;
    size_t count, room;
};

static struct connection connections[MOST];
static size_t opened, idle[MOST], idle_count;
static int port, set, open_loop;
static char request[512];
static size_t request_length;
static char buffer[CARRY + 64 * 1024];
static uint64_t asked, done, tokens, coalesced, measured;
static struct errors ttft, gap;

static void die(const char *what) {
    fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000ull + at.tv_nsec;
}

// Memory is touched beforehand, so that no page fault delays a read.
static void make_room(struct errors *errors, size_t room) {
    errors->ms = malloc(room * sizeof(double));
    if (!errors->ms) die("memory");
    memset(errors->ms, 1, room * sizeof(double));
    errors->room = room;
}

static void add(struct errors *errors, int64_t ns) {
    if (errors->count == errors->room) die("more tokens than room was made for");
    errors->ms[errors->count++] = llabs(ns) / 1e6;
}

// On loopback, connecting takes no longer than the handshake's few microseconds: it need not be awaited in the epoll set.
static size_t open_connection(void) {
    if (opened == MOST) die("too many connections");
    size_t at = opened++;
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    connections[at].fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = at};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
    return at;
}

static void ask(size_t at, int counts) {
    struct connection *it = &connections[at];
    it->tokens = it->left = 0;
    it->measured = counts;
    if (write(it->fd, request, request_length) != (ssize_t)request_length) die("write");
    asked++;
    measured += counts;
}

static void take_token(struct connection *it, uint64_t token, uint64_t stamp) {
    tokens++;
    if (open_loop && it->measured) {
        if (it->tokens == 0)
            add(&ttft, stamp - token);
        else if (it->stamp != stamp)
            add(&gap, (int64_t)(stamp - it->stamp) - (int64_t)(token - it->token));
        else
            coalesced++;
    }
    it->tokens++;
    it->stamp = stamp;
    it->token = token;
}

// Reads once; says whether the answer is whole.
static int take(struct connection *it) {
    ssize_t count = read(it->fd, buffer + CARRY, sizeof buffer - CARRY);
    uint64_t stamp = now();
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) die("read");
    char *from = buffer + CARRY - it->left, *end = buffer + CARRY + count, *found;
    memcpy(from, it->carry, it->left);
    int whole = end - from >= (ssize_t)LENGTH(END) && !memcmp(end - LENGTH(END), END, LENGTH(END));
    while ((found = memmem(from, end - from, NEEDLE, LENGTH(NEEDLE)))) {
        char *at = found + LENGTH(NEEDLE);
        uint64_t token = 0;
        for (; at < end && *at >= '0' && *at <= '9'; at++) token = token * 10 + (*at - '0');
        if (at == end) { // its rest comes with the next read
            from = found;
            break;
        }
        if (token) take_token(it, token, stamp);
        from = at;
    }
    size_t keep = found ? CARRY : LENGTH(NEEDLE) - 1;
    it->left = (size_t)(end - from) < keep ? (size_t)(end - from) : keep;
    memcpy(it->carry, end - it->left, it->left);
    return whole;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_errors(const char *name, struct errors *it) {
    printf(", \"%s_error_ms\": {\"count\": %zu", name, it->count);
    if (it->count) {
        qsort(it->ms, it->count, sizeof(double), by_size);
        size_t p50 = ceil(0.50 * it->count) - 1, p99 = ceil(0.99 * it->count) - 1;
        printf(", \"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f", it->ms[p50], it->ms[p99], it->ms[it->count - 1]);
    }
    printf("}");
}

static void closed(size_t users, uint64_t requests) {
    if (users > requests) users = requests;
    for (size_t i = 0; i < users; i++) open_connection();
    uint64_t start = now();
    for (size_t i = 0; i < users; i++) ask(i, 1);
    struct epoll_event events[1024];
    while (done < requests) {
        int count = epoll_wait(set, events, 1024, -1);
        for (int i = 0; i < count; i++) {
            size_t at = events[i].data.u64;
            if (!take(&connections[at])) continue;
            done++;
            if (asked < requests) ask(at, 1);
        }
    }
    printf("{\"wall_s\": %.6f, \"requests\": %lu, \"tokens\": %lu}\n", (now() - start) / 1e9, done, tokens);
}

static double exponential(uint64_t *seed) { // by splitmix64
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return -log(((z ^ z >> 31) >> 11) * 0x1p-53 + 0x1p-54);
}

static void opened_by_rate(double rate, double seconds, double warmup, int each, uint64_t seed) {
    size_t room = rate * seconds * 1.2 + 1000;
    make_room(&ttft, room);
    make_room(&gap, room * each);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = TIMER}, events[1024];
    if (timer < 0 || epoll_ctl(set, EPOLL_CTL_ADD, timer, &event)) die("timer");
    uint64_t start = now() + 10000000, measure_from = start + warmup * 1e9, stop = measure_from + seconds * 1e9;
    double due = start;
    int armed = 0;
    while (due < stop || done < asked) {
        while (due < stop && due <= now()) {
            ask(idle_count ? idle[--idle_count] : open_connection(), due >= measure_from);
            due += exponential(&seed) / rate * 1e9;
            armed = 0;
        }
        if (!armed && due < stop) {
            uint64_t at = due + 1;
            struct itimerspec spec = {.it_value = {at / 1000000000, at % 1000000000}};
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, NULL);
            armed = 1;
        }
        int count = epoll_wait(set, events, 1024, -1);
        for (int i = 0; i < count; i++) {
            size_t at = events[i].data.u64;
            if (at == TIMER) {
                uint64_t expired;
                if (read(timer, &expired, sizeof expired) < 0 && errno != EAGAIN) die("timer");
            } else if (take(&connections[at])) {
                done++;
                idle[idle_count++] = at;
            }
        }
    }
    printf("{\"wall_s\": %.6f, \"requests\": %lu, \"measured\": %lu, \"connections\": %zu, \"tokens\": %lu, \"coalesced\": %lu",
           (now() - start) / 1e9, done, measured, opened, tokens, coalesced);
    print_errors("ttft", &ttft);
    print_errors("gap", &gap);
    printf("}\n");
}

int main(int count, char **words) {
    open_loop = count > 1 && !strcmp(words[1], "open");
    int needed = open_loop ? 6 : 5;
    if (count < needed || (!open_loop && strcmp(words[1], "closed"))) {
        fprintf(stderr, "reader closed PORT CONNECTIONS REQUESTS [TOKENS]\nreader open PORT RATE SECONDS WARMUP [TOKENS [SEED]]\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setpriority(PRIO_PROCESS, 0, -10); // as stagegate asks for too; without the right to, nothing happens
    port = atoi(words[2]);
    set = epoll_create1(0);
    int each = count > needed ? atoi(words[needed]) : 128;
    char body[256];
    int length = snprintf(body, sizeof body,
        "{\"model\":\"reference\",\"stream\":true,\"max_tokens\":%d,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}", each);
    request_length = snprintf(request, sizeof request,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s",
        length, body);
    // Whatever happens, it ends.
    alarm(open_loop ? atof(words[4]) + atof(words[5]) + 60 : 300);
    if (open_loop)
        opened_by_rate(atof(words[3]), atof(words[4]), atof(words[5]), each, count > 7 ? strtoull(words[7], NULL, 10) : 1);
    else
        closed(atoi(words[3]), strtoull(words[4], NULL, 10));
    return 0;
}
