using CN2.Network.Compilation;

namespace CN2.Network.Tests.Compilation;

/// <summary>The cost of a change depends on the change, not on the number of resources. The cost is counted, not timed.</summary>
public sealed class ChangeCostTests
{
    internal const int Count = 10_000;

    [Fact]
    public void One_endpoint_change_among_ten_thousand_services_marks_only_the_services_that_match()
    {
        var state = World();
        var endpoint = Given.Endpoint("pod-77", "app=web,instance=i77", "compute1", "10.1.0.77") with { Ready = false };
        state.Put(endpoint);
        Assert.Equal([Given.Uid("service", "s77")], state.TakeDirtyOwners());
        state.Put(endpoint with { Labels = Given.Labels("app=web,instance=i78") });
        Assert.Equal(new HashSet<Guid> { Given.Uid("service", "s77"), Given.Uid("service", "s78") }, [.. state.TakeDirtyOwners()]);
        state.RemoveVirtualMachineInterface(endpoint.Uid);
        Assert.Equal([Given.Uid("service", "s78")], state.TakeDirtyOwners());
    }

    [Fact]
    public void A_change_of_one_endpoint_allocates_less_than_16_kilobytes_although_all_services_share_a_label()
    {
        var state = World();
        var endpoint = Given.Endpoint("pod-77", "app=web,instance=i77", "compute1", "10.1.0.77");
        for (var i = 0; i < 50; i++) Toggle(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++) Toggle(i);
        var perChange = (GC.GetAllocatedBytesForCurrentThread() - before) / 50;
        Assert.InRange(perChange, 0, 16 * 1024);

        void Toggle(int i)
        {
            state.Put(endpoint with { Ready = i % 2 == 0 });
            foreach (var owner in state.TakeDirtyOwners()) state.Compile(owner);
        }
    }

    /// <summary>Ten thousand Services with two FloatingIPs and one endpoint each, compiled by nobody yet.</summary>
    internal static NetworkState World()
    {
        var state = new NetworkState();
        state.Put(Given.Network("vn"));
        state.Put(Given.VirtualRouter("compute1", "172.27.115.242"));
        for (var i = 0; i < Count; i++)
        {
            state.Put(Given.Service($"s{i}", $"app=web,instance=i{i}"));
            state.Put(Given.External($"100.{i >> 16}.{(i >> 8) & 255}.{i & 255}", "vn", $"s{i}"));
            state.Put(Given.ClusterIP($"10.233.{(i >> 8) & 255}.{i & 255}", $"s{i}"));
            state.Put(Given.Endpoint($"pod-{i}", $"app=web,instance=i{i}", "compute1", $"10.1.{(i >> 8) & 255}.{i & 255}"));
        }

        state.TakeDirtyOwners();
        return state;
    }
}
