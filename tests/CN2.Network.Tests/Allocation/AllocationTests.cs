using CN2.Network.Addressing;
using CN2.Network.Allocation;
using CN2.Network.Resources;
using CN2.Network.Selection;

namespace CN2.Network.Tests.Allocation;

public sealed class AllocationTests
{
    private const string Cluster = "contrail-k8s-kubemanager-cluster1-juniper-local";

    // Names seen in published outputs of CN2, on two clusters.
    [Theory]
    [InlineData("cluster1-juniper-local", "ns1", "my-service", FloatingIPKind.ClusterIP, "28b76502")]
    [InlineData("cluster1-juniper-local", "ns1", "my-service", FloatingIPKind.External, "d7fd4d39")]
    [InlineData("cluster1-juniper-local", "ingress-nginx", "ingress-nginx-controller", FloatingIPKind.External, "bf14c2bc")]
    [InlineData("mk", "default", "frontend", FloatingIPKind.ClusterIP, "55dee962")]
    [InlineData("mk", "contrail-system", "contrail-api", FloatingIPKind.ClusterIP, "5a7e6fd4")]
    [InlineData("mk", "kube-system", "kube-dns", FloatingIPKind.ClusterIP, "e0c7a4a3")]
    public void Names_equal_the_names_that_CN2_gives(string cluster, string ns, string service, FloatingIPKind kind, string hash) => Assert.Equal(
        $"contrail-k8s-kubemanager-{cluster}-{service}-{hash}",
        FloatingIPName.Of($"contrail-k8s-kubemanager-{cluster}", new NamespacedName(ns, service), IPFamily.IPv4, kind));

    [Fact]
    public void The_four_names_of_a_dual_stack_service_differ()
    {
        var names = new HashSet<string>();
        foreach (var family in Enum.GetValues<IPFamily>())
            foreach (var kind in Enum.GetValues<FloatingIPKind>())
                Assert.True(names.Add(FloatingIPName.Of(Cluster, new("ns1", "my-service"), family, kind)));
    }

    [Theory]
    [InlineData(1, 300)]
    [InlineData(63, 180)]
    [InlineData(63, 181)]
    [InlineData(63, 1000)]
    public void A_name_is_a_subdomain_of_at_most_253_characters(int serviceLength, int clusterLength)
    {
        var service = new NamespacedName("ns1", new string('s', serviceLength));
        var cluster = new string('c', 100) + "-" + new string('c', clusterLength - 101);
        var name = FloatingIPName.Of(cluster, service, IPFamily.IPv4, FloatingIPKind.External);
        Assert.Null(NameSyntax.FaultOfDnsSubdomain(name));
        Assert.Contains("-" + service.Name + "-", name, StringComparison.Ordinal);
        Assert.NotEqual(name, FloatingIPName.Of(cluster + "x", service, IPFamily.IPv4, FloatingIPKind.External));
        var retired = FloatingIPName.Retired(name, Guid.Parse("01900000-0000-7000-8000-0000deadbeef"));
        Assert.Null(NameSyntax.FaultOfDnsSubdomain(retired));
        Assert.EndsWith("-deadbeef", retired, StringComparison.Ordinal);
    }

    // What the Service names; the policy; the policy that holds; the families it is to have, the primary one first.
    [Theory]
    [InlineData("", null, IPFamilyPolicy.SingleStack, "4")]
    [InlineData("4", null, IPFamilyPolicy.SingleStack, "4")]
    [InlineData("6", null, IPFamilyPolicy.SingleStack, "6")]
    [InlineData("46", null, IPFamilyPolicy.PreferDualStack, "46")]
    [InlineData("64", null, IPFamilyPolicy.PreferDualStack, "64")]
    [InlineData("", IPFamilyPolicy.PreferDualStack, IPFamilyPolicy.PreferDualStack, "46")]
    [InlineData("6", IPFamilyPolicy.PreferDualStack, IPFamilyPolicy.PreferDualStack, "64")]
    [InlineData("46", IPFamilyPolicy.RequireDualStack, IPFamilyPolicy.RequireDualStack, "46")]
    [InlineData("6", IPFamilyPolicy.RequireDualStack, IPFamilyPolicy.RequireDualStack, "64")]
    [InlineData("4", IPFamilyPolicy.SingleStack, IPFamilyPolicy.SingleStack, "4")]
    [InlineData("64", IPFamilyPolicy.SingleStack, IPFamilyPolicy.SingleStack, "6")]
    public void Families_follow_the_policy(string requested, IPFamilyPolicy? policy, IPFamilyPolicy expectedPolicy, string expected)
    {
        Assert.Equal(expectedPolicy, IPFamilyDecision.PolicyOf(Families(requested), policy));
        Assert.Equal(Families(expected), IPFamilyDecision.FamiliesOf(Families(requested), policy));
    }

    private static IPFamily[] Families(string text) => [.. text.Select(c => (IPFamily)(c - '0'))];
}
