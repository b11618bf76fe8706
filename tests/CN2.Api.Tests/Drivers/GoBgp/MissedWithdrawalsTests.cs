using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.GoBgp.Wire;
using Microsoft.Extensions.Time.Testing;
using static CN2.Api.Drivers.GoBgp.Wire.PeerState.Types.SessionState;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Which routers must be given a new session, because they may keep a path that was withdrawn.</summary>
public sealed class MissedWithdrawalsTests
{
    private const string Address = "172.27.115.245";

    private readonly FakeTimeProvider _time = new();
    private readonly KeptDebts _turns = new();
    private readonly SessionTable _table;
    private readonly MissedWithdrawals _missed;
    private readonly Dictionary<string, BgpPeer> _wanted = new() { [Address] = Spec.Peer("frr", 245) };

    public MissedWithdrawalsTests()
    {
        _table = new(_time, listens: true);
        _table.SetPeers([.. _wanted.Values], new Dictionary<string, string>(), _ => false);
        _table.EngineAway(false);
        _table.Observe(Address, Established);
        _missed = new(_turns, _table, _time);
    }

    [Theory]
    [InlineData(89, true)]
    [InlineData(90, false)] // the hold time
    public async Task A_withdrawal_may_not_have_arrived_when_the_session_is_lost_soon_after(int seconds, bool isMissed)
    {
        await _missed.WithdrawsAsync(_wanted);
        _time.Advance(TimeSpan.FromSeconds(seconds));
        Lose();
        Assert.Equal(isMissed, _missed.Contains(Address));
        await _missed.KeepAsync();
        Assert.Equal(isMissed ? [Address] : [], _turns.Owed);
    }

    [Fact]
    public async Task Also_when_the_engine_ends_before_it_has_listed_the_session_as_lost()
    {
        await _missed.WithdrawsAsync(_wanted);
        _time.Advance(TimeSpan.FromSeconds(1));
        _table.Observe(Address, Active);
        _table.EngineAway(true);
        _missed.NoteLoss(Address, _wanted[Address]);
        Assert.True(_missed.Contains(Address));
    }

    [Fact]
    public async Task A_session_that_the_engine_took_with_it_has_got_what_was_sent()
    {
        await _missed.WithdrawsAsync(_wanted);
        _table.EngineAway(true);
        _missed.NoteLoss(Address, _wanted[Address]);
        Assert.False(_missed.Contains(Address));
    }

    [Fact]
    public async Task After_a_NOTIFICATION_the_router_keeps_nothing()
    {
        await _missed.WithdrawsAsync(_wanted);
        Lose(notifications: 1);
        Assert.False(_missed.Contains(Address));
    }

    [Fact]
    public async Task A_session_that_is_closed_to_open_a_new_one_is_not_closed_again_for_what_is_withdrawn_meanwhile()
    {
        await _missed.WithdrawsAsync(_wanted);
        _time.Advance(TimeSpan.FromSeconds(1));
        _missed.Closed(Address, routerDrops: true);
        Lose();
        await _missed.WithdrawsAsync(_wanted);
        Assert.False(_missed.Contains(Address));

        // The next session is lost like any other.
        _time.Advance(TimeSpan.FromSeconds(1));
        _table.Observe(Address, Established);
        _time.Advance(TimeSpan.FromSeconds(1));
        _table.Observe(Address, Active);
        await _missed.WithdrawsAsync(_wanted);
        Assert.True(_missed.Contains(Address));
    }

    [Fact]
    public void What_an_earlier_run_owed_is_owed()
    {
        _turns.Owed = [Address];
        _missed.Begin();
        Assert.True(_missed.Contains(Address));
    }

    private void Lose(ulong notifications = 0)
    {
        _table.Observe(Address, Active);
        _table.BeginList();
        _table.Observe(new Peer
        {
            Conf = new() { NeighborAddress = Address },
            State = new() { SessionState = Active, Messages = new() { Received = new() { Notification = notifications }, Sent = new() } },
        });
        _missed.NoteLoss(Address, _wanted[Address]);
    }

    private sealed class KeptDebts : ISessionTurns
    {
        public IReadOnlyCollection<string> Owed { get; set; } = [];

        public event Action? Taken
        {
            add { }
            remove { }
        }

        public bool TryTake(string routerAddress) => true;

        public void GiveBack(string routerAddress)
        {
        }

        public Task OweAsync(IReadOnlyCollection<string> routerAddresses, bool coversLostRows)
        {
            Owed = [.. routerAddresses];
            return Task.CompletedTask;
        }
    }
}
