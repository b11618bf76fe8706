using System.Text.Json.Nodes;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests.Clients;

/// <summary>One Service with an endpoint behind each node, and a router that hears its routes.</summary>
internal static class WebService
{
    public const string Address = "100.64.0.2";

    /// <param name="api">The server, which need not be ready yet.</param>
    /// <param name="router">The address of the router.</param>
    public static async Task CreateAsync(ApiClient api, string router)
    {
        await Eventually.TrueAsync(async () => (await api.GetAsync("/readyz")).Accepted, "the API is ready", 60);
        foreach (var (path, body) in new (string, string)[]
        {
            ("bgp-routers/router", $$"""{"address":"{{router}}","autonomousSystem":64512,"addressFamilies":["inet"]}"""),
            ("namespaces/default/external-networks/net", $$$"""{"labels":{"{{{Playground.SelectorLabel}}}":"default-external"},"subnets":[{"cidr":"100.64.0.0/28"}],"fabricForwarding":true}"""),
            ("namespaces/default/virtual-machine-interfaces/pod1", $$"""{"labels":{"app":"a"},"addresses":["{{ModelLab.CheckedAddress(0)}}"],"virtualRouter":"vr1"}"""),
            ("namespaces/default/virtual-machine-interfaces/pod2", $$"""{"labels":{"app":"a"},"addresses":["{{ModelLab.CheckedAddress(1)}}"],"virtualRouter":"vr2"}"""),
            ("namespaces/default/services/web", """{"selector":{"app":"a"},"ports":[{"port":80,"targetPort":9000}]}"""),
        })
        {
            var reply = await api.PutAsync("/v1/" + path, JsonNode.Parse(body)!);
            Assert.True(reply.Accepted, reply.Text);
        }
    }
}
