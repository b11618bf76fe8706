using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Discovery;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Tests.Kubernetes.Discovery;

public sealed class DiscoveryDocumentsTests
{
    /// <summary>As kubectl 1.30 and newer asks.</summary>
    private const string Newer = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

    /// <summary>As kubectl 1.27 asks.</summary>
    private const string Older = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

    private static readonly DiscoveryDocuments Documents = new(KubernetesResources.All);

    [Theory]
    [InlineData(Newer, "v2")]
    [InlineData(Older, "v2beta1")]
    [InlineData("application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList," + Newer, "v2")]
    public void The_aggregated_form_says_which_one_it_is(string accept, string version)
    {
        foreach (var isCore in (bool[])[true, false])
        {
            var document = Documents.Root(isCore, accept)!;
            Assert.Equal($"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList", document.ContentType);
            Assert.Equal($"apidiscovery.k8s.io/{version}", (string?)Parse(document)["apiVersion"]);
        }
    }

    [Fact]
    public void Others_get_the_plain_form()
    {
        Assert.Same(Documents.CoreVersions, Documents.Root(isCore: true, null));
        Assert.Same(Documents.Groups, Documents.Root(isCore: false, "application/vnd.kubernetes.protobuf,application/json"));
        Assert.Null(Documents.Root(isCore: false, "application/vnd.kubernetes.protobuf"));
        Assert.Equal("""["v1"]""", Parse(Documents.CoreVersions)["versions"]!.ToJsonString());
    }

    [Fact]
    public void Both_forms_say_the_same()
    {
        var plain = new List<string>();
        foreach (var (group, version) in KubernetesResources.All.Select(r => (r.Group, r.Version)).Distinct())
        {
            var list = Parse(Documents.Resources(group, version)!);
            Assert.Equal(group.Length == 0 ? version : $"{group}/{version}", (string?)list["groupVersion"]);
            plain.AddRange(list["resources"]!.AsArray().Select(r => $"{group}/{version} {r!["name"]} {r["kind"]} {r["namespaced"]} {r["verbs"]!.ToJsonString()}"));
        }

        var aggregated = new List<string>();
        foreach (var group in Parse(Documents.Root(true, Newer)!)["items"]!.AsArray().Concat(Parse(Documents.Root(false, Newer)!)["items"]!.AsArray()))
        {
            foreach (var version in group!["versions"]!.AsArray())
            {
                foreach (var resource in version!["resources"]!.AsArray())
                {
                    var (place, isNamespaced) = ($"{(string?)group["metadata"]!["name"]}/{version["version"]}", (string?)resource!["scope"] == "Namespaced" ? "true" : "false");
                    aggregated.Add($"{place} {resource["resource"]} {resource["responseKind"]!["kind"]} {isNamespaced} {resource["verbs"]!.ToJsonString()}");
                    aggregated.AddRange((resource["subresources"] as JsonArray ?? []).Select(s =>
                        $"{place} {resource["resource"]}/{s!["subresource"]} {s["responseKind"]!["kind"]} {isNamespaced} {s["verbs"]!.ToJsonString()}"));
                }
            }
        }

        Assert.Equal(plain.Order(), aggregated.Order());
        Assert.Equal(KubernetesResources.All.Sum(r => 1 + r.Subresources.Count), plain.Count);
    }

    [Fact]
    public void Short_names_are_what_the_contract_says()
    {
        var resources = Parse(Documents.Resources("core.contrail.juniper.net", "v1alpha1")!)["resources"]!.AsArray();
        Assert.Equal(["br", "fip", "hc", "ri", "sn", "vmi", "vn", "vr"], resources.SelectMany(r => (r!["shortNames"] as JsonArray ?? []).Select(s => (string?)s)).Order());
    }

    [Fact]
    public void The_stable_version_of_a_group_is_preferred()
    {
        var group = Parse(Documents.Group("configplane.juniper.net")!);
        Assert.Equal("APIGroup", (string?)group["kind"]);
        Assert.Equal("v1", (string?)group["preferredVersion"]!["version"]);
        Assert.Equal(["v1", "v1alpha1"], group["versions"]!.AsArray().Select(v => (string?)v!["version"]));
        Assert.Equal(
            KubernetesResources.All.Select(r => r.Group).Where(g => g.Length > 0).Distinct(), Parse(Documents.Groups)["groups"]!.AsArray().Select(g => (string?)g!["name"]));
    }

    [Fact]
    public void What_is_not_served_is_not_there()
    {
        var few = new DiscoveryDocuments([NamespaceSchema.Definition, ServiceSchema.Definition with { Verbs = ["get"], Subresources = [] }]);
        Assert.Equal(["namespaces", "services"], Parse(few.Resources("", "v1")!)["resources"]!.AsArray().Select(r => (string?)r!["name"]));
        Assert.Empty(Parse(few.Groups)["groups"]!.AsArray());
        Assert.Null(few.Group("k8s.cni.cncf.io"));
        Assert.Null(few.Resources("k8s.cni.cncf.io", "v1"));
        Assert.Empty(Parse(few.Root(false, Newer)!)["items"]!.AsArray());
    }

    private static JsonNode Parse(ApiDocument document) => JsonNode.Parse(document.Bytes.Span)!;
}
