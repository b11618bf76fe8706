using CN2.Network.Addressing;
using CN2.Network.Allocation;
using CN2.Network.Resources;
using CN2.Network.Selection;

namespace CN2.Network.Tests.Allocation;

public sealed class AllocationFacts
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
    public void Names_are_those_CN2_gives(string cluster, string ns, string service, FloatingIPKind kind, string hash) => Assert.Equal(
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

    // Requested / policy / available -> served, missing, satisfied.
    [Theory]
    [InlineData("", null, "46", "4", "", true)]
    [InlineData("4", null, "46", "4", "", true)]
    [InlineData("6", null, "46", "6", "", true)]
    [InlineData("6", null, "4", "", "6", false)]
    [InlineData("46", null, "4", "4", "6", true)]
    [InlineData("64", null, "46", "64", "", true)]
    [InlineData("", "PreferDualStack", "46", "46", "", true)]
    [InlineData("6", "PreferDualStack", "46", "64", "", true)]
    [InlineData("46", "PreferDualStack", "6", "6", "4", true)]
    [InlineData("46", "PreferDualStack", "", "", "46", false)]
    [InlineData("46", "RequireDualStack", "46", "46", "", true)]
    [InlineData("46", "RequireDualStack", "4", "4", "6", false)]
    [InlineData("6", "RequireDualStack", "4", "4", "6", false)]
    [InlineData("4", "SingleStack", "46", "4", "", true)]
    [InlineData("64", "SingleStack", "46", "6", "", true)]
    public void Families_follow_the_policy(string requested, string? policy, string available, string serve, string missing, bool satisfied)
    {
        IPFamilyPolicy? parsed = policy is null ? null : Enum.Parse<IPFamilyPolicy>(policy);
        var decision = IPFamilyDecision.Decide(Families(requested), parsed, Families(available));
        Assert.Equal(Families(serve), decision.Serve);
        Assert.Equal(Families(missing), decision.Missing);
        Assert.Equal(satisfied, decision.Satisfied);
        if (!satisfied) Assert.Contains("ns1/vn", decision.MissingMessage("ns1/vn"), StringComparison.Ordinal);
    }

    private static IPFamily[] Families(string text) => [.. text.Select(c => (IPFamily)(c - '0'))];
}
