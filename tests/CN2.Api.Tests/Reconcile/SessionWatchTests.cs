using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Drivers;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>When sessions that come and go make every status be drafted again.</summary>
public sealed class SessionWatchTests
{
    private readonly FakeBgpSpeaker _speaker = new();
    private readonly FakeTimeProvider _time = new();
    private readonly SessionWatch _watch;

    public SessionWatchTests() => _watch = new SessionWatch(_speaker, _time);

    [Fact]
    public async Task A_new_peer_is_news_at_once()
    {
        await EstablishedAsync();
        Assert.False(_watch.TakeReachChanged());
    }

    [Fact]
    public async Task A_peer_that_is_back_soon_is_no_news()
    {
        await EstablishedAsync();
        for (var restart = 0; restart < 3; restart++)
        {
            _speaker.Establish("vmx1", "Active");
            Assert.False(_watch.TakeReachChanged());
            _time.Advance(TimeSpan.FromSeconds(4));
            Assert.False(_watch.TakeReachChanged());
            _speaker.Establish("vmx1");
            Assert.False(_watch.TakeReachChanged());
            _time.Advance(TimeSpan.FromSeconds(4));
        }
    }

    [Fact]
    public async Task A_peer_that_stays_away_is_news_once_and_so_is_its_return()
    {
        await EstablishedAsync();
        _speaker.Establish("vmx1", "Active");
        Assert.False(_watch.TakeReachChanged());
        _time.Advance(SessionWatch.LossSettleTime);
        Assert.True(_watch.TakeReachChanged());
        Assert.False(_watch.TakeReachChanged());
        _speaker.Establish("vmx1");
        Assert.True(_watch.TakeReachChanged());
    }

    [Fact]
    public async Task A_new_peer_is_news_at_once_while_another_is_missing()
    {
        await EstablishedAsync();
        _speaker.Establish("vmx1", "Active");
        Assert.False(_watch.TakeReachChanged());
        _speaker.Establish("vmx2");
        Assert.True(_watch.TakeReachChanged());
    }

    private async Task EstablishedAsync()
    {
        await _speaker.StartAsync(TestContext.Current.CancellationToken);
        await _speaker.SetPeersAsync([Peer("vmx1", "172.27.115.245"), Peer("vmx2", "172.27.115.246")], TestContext.Current.CancellationToken);
        Assert.False(_watch.TakeReachChanged());
        _speaker.Establish("vmx1");
        Assert.True(_watch.TakeReachChanged());
    }

    private static BgpPeer Peer(string name, string address) => new(name, IPAddress.Parse(address), 64512, 179, ["inet"], 90, null, null, false, true, false, true, 120);
}
