using CN2.Api.Drivers.None;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.None;

public sealed class NoneSpeakerTests
{
    [Fact]
    public async Task Without_an_engine_the_same_paths_are_refused_as_with_one()
    {
        var speaker = new NoneSpeaker();
        var (good, bad) = (Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.5", "127.0.0.1"));
        var refused = Assert.Single(await speaker.SetPathsAsync([good, bad], Token));
        Assert.Equal(bad.Key, refused.Key);
        Assert.Contains("127.0.0.1", refused.Reason, StringComparison.Ordinal);
        Assert.Equal([refused], await speaker.ChangePathsAsync([bad, good], [good.Key], Token));
    }
}
