using System.Text;
using CN2.Api.Drivers.GoBgp;

namespace CN2.Api.Tests.Drivers.GoBgp;

public sealed class BgpNotificationTests
{
    [Theory]
    [InlineData(1, 1, "Message Header Error, Connection Not Synchronized")]
    [InlineData(2, 2, "Open Message Error, Bad Peer AS")]
    [InlineData(2, 0, "Open Message Error")]
    [InlineData(3, 11, "Update Message Error, Malformed AS_PATH")]
    [InlineData(4, 0, "Hold Timer Expired")]
    [InlineData(5, 3, "Finite State Machine Error, Receive Unexpected Message in Established State")]
    [InlineData(6, 1, "Cease, Maximum Number of Prefixes Reached")]
    [InlineData(6, 8, "Cease, Out of Resources")]
    [InlineData(6, 9, "Cease, Hard Reset")]
    [InlineData(6, 77, "Cease, subcode 77")]
    [InlineData(200, 3, "code 200, subcode 3")]
    [InlineData(0, 0, "code 0")]
    public void Code_and_subcode_in_words(byte code, byte subcode, string words) => Assert.Equal(words, new BgpNotification(code, subcode, []).Words);

    [Fact]
    public void Every_subcode_that_the_RFCs_define_has_a_name()
    {
        (byte Code, byte[] Subcodes)[] defined =
        [
            (1, [1, 2, 3]), (2, [1, 2, 3, 4, 5, 6, 7, 11]), (3, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), (5, [1, 2, 3]), (6, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), (7, [1]),
        ];
        foreach (var (code, subcodes) in defined)
            Assert.All(subcodes, s => Assert.Matches("^[A-Z][^0-9]+, [A-Z][^0-9]+$", new BgpNotification(code, s, []).Words));
        Assert.Equal("Send Hold Timer Expired", new BgpNotification(8, 0, []).Words);
    }

    [Fact]
    public void A_shutdown_communication_is_shown_cut_and_cleaned()
    {
        Assert.Equal("Cease, Administrative Shutdown (\"back at 10\")", Shutdown(2, "back at 10"));
        Assert.Equal("Cease, Administrative Reset (\"Grüße\")", Shutdown(4, "Grüße"));
        Assert.Equal("Cease, Administrative Shutdown (\"a b [31m\")", Shutdown(2, "a\nb\u001b[31m"));
        // Other subcodes have none. A length that does not fit, nothing, and bytes that are no text.
        Assert.Equal("Cease, Peer De-configured", Shutdown(3, "text"));
        Assert.Equal("Cease, Administrative Shutdown", new BgpNotification(6, 2, [200, 65, 66]).Words);
        Assert.Equal("Cease, Administrative Shutdown", new BgpNotification(6, 2, [0]).Words);
        Assert.Equal("Cease, Administrative Shutdown (\"A\")", new BgpNotification(6, 2, [3, 0xFF, 65, 0xFE]).Words);
        Assert.Equal("Cease, Administrative Shutdown", new BgpNotification(6, 2, [2, 0xFF, 0x1B]).Words);

        static string Shutdown(byte subcode, string text) => new BgpNotification(6, subcode, [(byte)Encoding.UTF8.GetByteCount(text), .. Encoding.UTF8.GetBytes(text)]).Words;
    }

    [Fact]
    public void A_hard_reset_says_what_is_behind_it()
    {
        Assert.Equal("Cease, Hard Reset: Cease, Administrative Shutdown (\"bye\")", new BgpNotification(6, 9, [6, 2, 3, .. "bye"u8]).Words);
        Assert.Equal("Cease, Hard Reset: Hold Timer Expired", new BgpNotification(6, 9, [4, 0]).Words);
        Assert.Equal("Cease, Hard Reset: Cease, Hard Reset", new BgpNotification(6, 9, [6, 9, 6, 9, 6, 9]).Words);
        Assert.Equal("Cease, Hard Reset", new BgpNotification(6, 9, [6]).Words);
        Assert.EndsWith("Raise its limit or set maxAdvertised.", new BgpNotification(6, 9, [6, 1]).Describe(byRouter: true, Spec.Peer("vmx1", 245)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_sentence_names_the_side_and_what_to_do()
    {
        var peer = Spec.Peer("vmx1", 245, 65002);
        Assert.Equal("The router closed the session: Cease, Maximum Number of Prefixes Reached. Raise its limit or set maxAdvertised.",
            new BgpNotification(6, 1, []).Describe(byRouter: true, peer));
        Assert.Equal("This control node closed the session: Hold Timer Expired. Nothing came from 172.27.115.245 for the hold time: is the router alive, and the path to it?",
            new BgpNotification(4, 0, []).Describe(byRouter: false, peer));
        Assert.Equal("This control node closed the session: Open Message Error, Bad Peer AS. Its AS number is not 65002.", new BgpNotification(2, 2, []).Describe(byRouter: false, peer));
    }

    [Fact]
    public void Only_a_whole_NOTIFICATION_is_parsed()
    {
        byte[] whole = [.. Enumerable.Repeat((byte)0xFF, 16), 0, 23, 3, 6, 2, 1, 65];
        var parsed = BgpNotification.Parse(whole);
        Assert.Equal("Cease, Administrative Shutdown (\"A\")", parsed?.Words);
        for (var length = 0; length < whole.Length; length++) Assert.Null(BgpNotification.Parse(whole.AsSpan(0, length)));
        Assert.Equal((byte)6, BgpNotification.Parse([.. whole, 9, 9])!.Code);
        Assert.Null(BgpNotification.Parse([.. whole[..18], 2, .. whole[19..]]));
        Assert.Null(BgpNotification.Parse([.. whole[..17], 20, .. whole[18..]]));
        Assert.Null(BgpNotification.Parse([.. whole[..16], 255, 255, .. whole[18..]]));
    }
}
