using System.Net;
using CN2.VRouter.Overlay.Forwarding;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Forwarding;

public sealed class PrefixTrieTests
{
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.0/24")]
    [InlineData("203.0.113.1", "203.0.113.1/32")]
    [InlineData("203.0.112.1", "203.0.112.0/23")]
    [InlineData("198.51.100.1", "0.0.0.0/0")]
    [InlineData("2001:db8::1", "2001:db8::1/128")]
    [InlineData("2001:db8::", "2001:db8::/127")]
    [InlineData("2001:db8::2", "2001:db8::/32")]
    [InlineData("2001:db8:8000::", "2001:db8:8000::/33")]
    [InlineData("2001:db9::", null)]
    public void The_longest_prefix_wins(string address, string? expected)
    {
        string[] prefixes = ["0.0.0.0/0", "203.0.112.0/23", "203.0.113.0/24", "203.0.113.1/32", "203.0.113.128/25", "2001:db8::/32", "2001:db8:8000::/33", "2001:db8::/127", "2001:db8::1/128"];
        var family = address.Contains(':');
        var trie = Of(prefixes.Where(p => p.Contains(':') == family));
        Assert.Equal(expected, trie.Find(AddressKey.Of(IPAddress.Parse(address))));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public void Any_order_of_changes_gives_the_result_of_a_linear_search(bool v6, int seed)
    {
        var random = new Random(seed);
        var list = new Dictionary<IPNetwork, string>();
        var trie = PrefixTrie<string>.Empty;
        for (var round = 0; round < 60; round++)
        {
            var before = trie;
            var known = new Dictionary<IPNetwork, string>(list);
            var editor = trie.Edit();
            for (var i = 0; i < 20; i++)
            {
                var prefix = Prefix(random, v6);
                if (random.Next(3) == 0)
                {
                    list.Remove(prefix);
                    editor.Remove(AddressKey.Of(prefix.BaseAddress), prefix.PrefixLength);
                }
                else
                {
                    list[prefix] = $"{prefix} {round}";
                    editor.Set(AddressKey.Of(prefix.BaseAddress), prefix.PrefixLength, list[prefix]);
                }
            }

            trie = editor.Done();
            Assert.Equal(list.Count, trie.Count);
            for (var i = 0; i < 50; i++)
            {
                var address = Address(random, v6);
                Assert.Equal(Longest(list, address), trie.Find(AddressKey.Of(address)));
                Assert.Equal(Longest(known, address), before.Find(AddressKey.Of(address)));
            }
        }
    }

    [Fact]
    public void An_empty_trie_finds_nothing_and_removing_from_it_does_no_harm()
    {
        var editor = PrefixTrie<string>.Empty.Edit();
        editor.Remove(default, 0);
        Assert.Null(editor.Done().Find(default));
    }

    [Fact]
    public void A_hundred_thousand_prefixes_are_found()
    {
        var editor = PrefixTrie<string>.Empty.Edit();
        for (var i = 0u; i < 100_000; i++) editor.Set(new AddressKey((ulong)(i << 8) << 32, 0), 24, $"{i}");
        var trie = editor.Done();
        Assert.Equal(100_000, trie.Count);
        for (var i = 0u; i < 100_000; i += 7) Assert.Equal($"{i}", trie.Find(new AddressKey((ulong)((i << 8) | 9) << 32, 0)));
        Assert.Null(trie.Find(new AddressKey((ulong)(100_000u << 8) << 32, 0)));
    }

    private static PrefixTrie<string> Of(IEnumerable<string> prefixes)
    {
        var editor = PrefixTrie<string>.Empty.Edit();
        foreach (var text in prefixes)
        {
            var prefix = IPNetwork.Parse(text);
            editor.Set(AddressKey.Of(prefix.BaseAddress), prefix.PrefixLength, text);
        }

        return editor.Done();
    }

    // Only a few distinct bits, so that prefixes contain each other.
    private static IPAddress Address(Random random, bool v6)
    {
        var octets = new byte[v6 ? 16 : 4];
        octets[0] = (byte)(random.Next(2) << 7);
        octets[1] = (byte)random.Next(4);
        octets[^2] = (byte)(random.Next(2) << 4);
        octets[^1] = (byte)random.Next(4);
        return new IPAddress(octets);
    }

    private static IPNetwork Prefix(Random random, bool v6)
    {
        var address = Address(random, v6).GetAddressBytes();
        var length = random.Next(address.Length * 8 + 1);
        for (var bit = length; bit < address.Length * 8; bit++) address[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(address), length);
    }

    private static string? Longest(Dictionary<IPNetwork, string> list, IPAddress address) =>
        list.Where(p => p.Key.Contains(address)).OrderByDescending(p => p.Key.PrefixLength).Select(p => p.Value).FirstOrDefault();
}
