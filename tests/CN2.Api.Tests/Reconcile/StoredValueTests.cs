using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What a resource says in words arrives in the engine and on the nodes as the value that is meant.</summary>
public sealed class StoredValueTests(PrivatePostgres postgres)
{
    private const string Address = "100.0.0.2";

    [Fact]
    public async Task Every_well_known_community_is_announced()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        const string Names = """["BLACKHOLE","GRACEFUL_SHUTDOWN","NOPEER","NO_ADVERTISE","NO_EXPORT","NO_EXPORT_SUBCONFED"]""";
        (await plane.Api.PatchAsync("/v1/namespaces/default/external-networks/vn", $$$"""{"advertisement":{"communities":{{{Names}}}}}""")).Expect(200);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        var path = Assert.Single(plane.Api.Speaker.Paths, p => p.Prefix.ToString() == Address);
        Assert.Equal(6, path.Communities.Count);
    }
}
