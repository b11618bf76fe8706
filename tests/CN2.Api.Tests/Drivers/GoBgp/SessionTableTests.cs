using CN2.Api.Drivers.GoBgp;
using CN2.Network.Resources;
using Microsoft.Extensions.Time.Testing;
using static CN2.Api.Drivers.GoBgp.Wire.PeerState.Types.SessionState;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>What a session says that does not stay up.</summary>
public sealed class SessionTableTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly SessionTable _table;

    public SessionTableTests()
    {
        _table = new(_time, listens: true);
        _table.SetPeers([Spec.Peer("restless", 245), Spec.Peer("quiet", 246)], new Dictionary<string, string>(), _ => false);
        _table.EngineAway(false);
        _table.Observe("172.27.115.246", Established);
    }

    [Fact]
    public void A_session_that_is_lost_again_and_again_says_so_until_a_minute_has_passed()
    {
        LoseSession(Limits.SessionLosses - 1);
        Assert.False(_table.CountLosses());
        Assert.Null(ErrorOf("restless"));
        LoseSession(1);
        Assert.True(_table.CountLosses());
        Assert.Contains("5 times or more within a minute", ErrorOf("restless"), StringComparison.Ordinal);
        Assert.Null(ErrorOf("quiet"));
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.True(_table.CountLosses());
        Assert.Null(ErrorOf("restless"));
    }

    [Fact]
    public void Sessions_that_the_engine_took_with_it_do_not_count()
    {
        for (var i = 0; i < 2 * Limits.SessionLosses; i++)
        {
            _table.Observe("172.27.115.245", Established);
            _table.EngineAway(true);
            _table.EngineAway(false);
        }
        Assert.False(_table.CountLosses());
    }

    [Fact]
    public void A_session_that_is_ended_for_a_change_says_so_and_is_no_loss()
    {
        for (var i = 0; i < 2 * Limits.SessionLosses; i++)
        {
            _table.Observe("172.27.115.245", Established);
            _table.Closing("172.27.115.245", "It was changed.");
            _table.Observe("172.27.115.245", Idle);
            Assert.Equal("It was changed.", ErrorOf("restless"));
        }
        Assert.False(_table.CountLosses());
        _table.Observe("172.27.115.245", Established);
        Assert.Null(ErrorOf("restless"));
        _table.Observe("172.27.115.245", Idle);
        Assert.Equal("The session was lost.", ErrorOf("restless"));
    }

    [Fact]
    public void An_event_that_is_older_than_a_list_is_no_loss_of_the_session()
    {
        _table.BeginList();
        Assert.True(_table.Observe(Listed(Established)));
        Assert.False(_table.Observe("172.27.115.245", Opensent));
        Assert.False(_table.Observe("172.27.115.245", Openconfirm));
        Assert.True(_table.IsEstablished("172.27.115.245"));
        Assert.False(_table.Observe("172.27.115.245", Established));
        Assert.Null(_table.TakeLoss("172.27.115.245"));

        Assert.True(_table.Observe("172.27.115.245", Idle));
        _table.BeginList();
        _table.Observe(Listed(Idle));
        Assert.NotNull(_table.TakeLoss("172.27.115.245"));
    }

    [Fact]
    public void A_list_that_is_older_than_an_event_is_no_loss_of_the_session()
    {
        _table.BeginList();
        _table.Observe("172.27.115.245", Established);
        Assert.False(_table.Observe(Listed(Openconfirm)));
        Assert.True(_table.IsEstablished("172.27.115.245"));
        _table.BeginList();
        Assert.True(_table.Observe(Listed(Idle)));
        Assert.NotNull(_table.TakeLoss("172.27.115.245"));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)] // the router closed it with a NOTIFICATION
    public void Who_ended_a_session_is_known_also_when_the_next_one_is_up_before_a_list_is_read(ulong notifications, bool isLost)
    {
        _table.Observe("172.27.115.245", Established);
        _table.BeginList();
        _table.Observe(Listed(Established));
        _table.Observe("172.27.115.245", Idle);
        _table.Observe("172.27.115.245", Active);
        _table.Observe("172.27.115.245", Established);
        Assert.Null(_table.TakeLoss("172.27.115.245"));
        _table.BeginList();
        var listed = Listed(Established);
        listed.State.Messages = new() { Received = new() { Notification = notifications }, Sent = new() };
        _table.Observe(listed);
        Assert.Null(ErrorOf("restless"));
        Assert.Equal(isLost, _table.TakeLoss("172.27.115.245") is not null);
    }

    private static CN2.Api.Drivers.GoBgp.Wire.Peer Listed(CN2.Api.Drivers.GoBgp.Wire.PeerState.Types.SessionState state) =>
        new() { Conf = new() { NeighborAddress = "172.27.115.245" }, State = new() { SessionState = state } };

    [Theory]
    [InlineData(null, false, "No TCP connection with 172.27.115.245 port 179", "authKey is not set")]
    [InlineData("s3cret", false, "No TCP connection with 172.27.115.245 port 179", "its TCP MD5 key is this authKey")]
    [InlineData("s3cret", true, "172.27.115.245 has opened no TCP connection", "its TCP MD5 key is this authKey")]
    public void A_connection_that_does_not_come_says_what_to_check_also_after_a_session_was_lost(string? key, bool passive, string what, string check)
    {
        _table.SetPeers([Spec.Peer("restless", 245, change: p => p with { AuthKey = key, Passive = passive })], new Dictionary<string, string>(), _ => false);
        _table.Observe("172.27.115.245", Active);
        Assert.Null(ErrorOf("restless"));
        _time.Advance(TimeSpan.FromSeconds(16));
        Says();
        Assert.DoesNotContain("s3cret", ErrorOf("restless"), StringComparison.Ordinal);
        _table.Observe("172.27.115.245", Established);
        Assert.Null(ErrorOf("restless"));
        _table.Observe("172.27.115.245", Idle);
        _table.Observe("172.27.115.245", Active);
        Assert.Equal("The session was lost.", ErrorOf("restless"));
        _time.Advance(TimeSpan.FromSeconds(16));
        Assert.StartsWith("The session was lost. ", ErrorOf("restless"), StringComparison.Ordinal);
        Says();

        void Says()
        {
            Assert.Contains(what, ErrorOf("restless"), StringComparison.Ordinal);
            Assert.Contains(check, ErrorOf("restless"), StringComparison.Ordinal);
        }
    }

    /// <summary>It ends up in session.</summary>
    private void LoseSession(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _table.Observe("172.27.115.245", Established);
            _time.Advance(TimeSpan.FromSeconds(1));
            _table.Observe("172.27.115.245", Idle);
            _time.Advance(TimeSpan.FromSeconds(5));
        }
        _table.Observe("172.27.115.245", Established);
    }

    private string? ErrorOf(string peer) => _table.List((_, _, _) => new()).Single(s => s.Peer == peer).LastError;
}
