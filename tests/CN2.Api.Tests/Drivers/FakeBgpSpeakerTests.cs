using CN2.Api.Drivers;

namespace CN2.Api.Tests.Drivers;

public sealed class FakeBgpSpeakerTests : BgpSpeakerContract
{
    private readonly FakeBgpEngine _engine = new();

    protected override IBgpSpeaker NewSpeaker() => new FakeBgpSpeaker(_engine);

    protected override Task StopAsync(IBgpSpeaker speaker) => Task.CompletedTask;

    protected override Task<IReadOnlyCollection<BgpPath>> EngineHoldsAsync() =>
        Task.FromResult<IReadOnlyCollection<BgpPath>>([.. _engine.Paths.Values]);

    protected override Task DeleteByHandAsync(BgpPath path)
    {
        _engine.DeleteByHand(path.Key);
        return Task.CompletedTask;
    }

    protected override Task AddByHandAsync(BgpPath path)
    {
        _engine.AddByHand(path);
        return Task.CompletedTask;
    }

    protected override void KillEngine() => _engine.Kill();

    protected override void StartEngine() => _engine.Start();
}
