using CN2.Network.Resources;
using CN2.Network.Tests.Compilation;

namespace CN2.Network.Tests.Resources;

public sealed class SharedResourcesTests
{
    private readonly SharedResources _shared = new();

    /// <summary>Of a hundred thousand Services most have the namespace, the selector and the ports of others. Rows are read with selectors that are LabelSets already.</summary>
    [Fact]
    public void Equal_parts_of_resources_are_in_memory_once()
    {
        Service Again(string name) =>
            Given.Service(name, Copy("app=web"), new ServicePort(Copy("http"), TransportProtocol.TCP, 80, 8080, 0)) with { Selector = LabelSet.Of(Given.Labels(Copy("app=web"))) };
        var (first, second) = (_shared.Of(Again("first")), _shared.Of(Again("second")));
        Assert.Same(first.Selector, second.Selector);
        Assert.Same(first.Ports, second.Ports);
        Assert.Equal(Again("second"), second);

        var endpoint = _shared.Of(Given.Endpoint("pod", Copy("app=web"), Copy("compute1"), "10.233.64.11"));
        var other = _shared.Of(Given.Endpoint("other", Copy("app=web,tier=gold"), Copy("compute1"), "10.233.64.12"));
        Assert.Same(endpoint.VirtualRouter, other.VirtualRouter);
        Assert.Same(((LabelSet)first.Selector).Pairs[0].Key, ((LabelSet)endpoint.Labels).Pairs[0].Key);
        Assert.Same(((LabelSet)endpoint.Labels).Pairs[0].Value, ((LabelSet)other.Labels).Pairs[0].Value);

        var (one, two) = (Given.External("100.0.0.5", "vn", "first"), Given.External("100.0.0.6", "vn", "second"));
        Assert.Same(
            _shared.Of(one with { Id = one.Id with { Namespace = Copy("ns1") } }).Id.Namespace,
            _shared.Of(two with { Id = two.Id with { Namespace = Copy("ns1") } }).Id.Namespace);

        static string Copy(string text) => new(text.AsSpan());
    }
}
