using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Probes;

namespace CN2.VRouter.Tests;

/// <summary>No probe goes to what the node itself has.</summary>
public sealed class FencedProberTests
{
    [Theory]
    [InlineData("10.77.2.1", "10.77.2.1 is an address of this node or of its server and no endpoint")]
    [InlineData("10.77.2.10", "asked")]
    public async Task An_address_of_an_interface_is_not_probed(string address, string said)
    {
        var fence = new NodeFence([new Uri("http://127.0.0.1:8081")], [IPAddress.Parse("10.66.0.12")], () => [IPAddress.Parse("10.77.2.1")]);
        var target = new ProbeTarget(Guid.NewGuid(), IPAddress.Parse(address), MonitorType.TCP, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), 1, "GET", "/", ExpectedCodes.Default, 22, EndpointHealth.Unknown);
        var result = await new FencedProber(new Asked(), fence).ProbeAsync(target, TestContext.Current.CancellationToken);
        Assert.StartsWith(said, result.Message, StringComparison.Ordinal);
        Assert.Equal(said == "asked", result.Success);
    }

    private sealed class Asked : IProber
    {
        public Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation) => Task.FromResult(new ProbeResult(true, "asked"));
    }
}
