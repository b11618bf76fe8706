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
