using CN2.Api.Drivers.None;
using CN2.Api.Options;

namespace CN2.Api.Drivers.GoBgp;

public static class BgpSpeakerRegistration
{
    /// <summary>The <see cref="IBgpSpeaker"/> that <c>Bgp:Engine</c> names.</summary>
    public static IServiceCollection AddBgpSpeaker(this IServiceCollection services) => services.AddSingleton<IBgpSpeaker>(provider =>
        provider.GetRequiredService<BgpOptions>().Enabled ? ActivatorUtilities.CreateInstance<GoBgpSpeaker>(provider) : new NoneSpeaker());
}
