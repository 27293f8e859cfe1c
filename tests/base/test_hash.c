#include "base/hash.h"
#include "tests/check.h"

// Sums as xxHash 0.8 gives them (xxhsum -H3).
static void sums_are_those_of_xxh3(const Comm *c)
{
    EXPECT(hash_bytes(0, "", 0) == 0x2d06800538d394c2);
    EXPECT(hash_bytes(0, "abc", 3) == 0x78af5f94892f3950);
    check_compared(2);
    (void)c;
}

static void stream_in_pieces_gives_the_sum_of_the_whole(const Comm *c)
{
    static char bytes[100000];

    for (int i = 0; i < (int)sizeof bytes; i++)
        bytes[i] = (char)(i % 251);
    for (int64_t piece = 1; piece <= 100000; piece = piece * 10 + 7) {
        HashStream *h = hash_stream_open();
        for (int64_t at = 0; at < (int64_t)sizeof bytes; at += piece)
            hash_stream_add(h, bytes + at,
                            at + piece < (int64_t)sizeof bytes ? piece
                                                               : (int64_t)sizeof bytes - at);
        EXPECT(hash_stream_close(h) == hash_bytes(0, bytes, (int64_t)sizeof bytes));
    }
    EXPECT(hash_stream_close(hash_stream_open()) == hash_bytes(0, "", 0));
    (void)c;
}

static void neighbours_do_not_merge(const Comm *c)
{
    EXPECT(hash_text(hash_text(0, "ab"), "c") != hash_text(hash_text(0, "a"), "bc"));
    EXPECT(hash_text(0, "") != 0);
    EXPECT(hash_u64(0, 1) != hash_u64(1, 0));
    EXPECT(hash_u64(hash_u64(0, 1), 2) != hash_u64(hash_u64(0, 2), 1));
    (void)c;
}

TEST_MAIN(CASE(sums_are_those_of_xxh3), CASE(stream_in_pieces_gives_the_sum_of_the_whole),
          CASE(neighbours_do_not_merge))
