using System.Text;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Documents;
using CN2.Api.Kubernetes.Schemas;
using Google.Protobuf;

namespace CN2.Api.Tests.Kubernetes.Documents;

public sealed class OpenApiDocumentsTests
{
    private static readonly OpenApiDocuments Documents = OpenApiDocuments.Instance;

    [Fact]
    public void The_index_leads_to_a_document_for_every_group_and_version()
    {
        var paths = Parse(Documents.Index)["paths"]!.AsObject();
        Assert.Equal(
        [
            "api/v1", "apis/discovery.k8s.io/v1", "apis/authorization.k8s.io/v1", "apis/core.contrail.juniper.net/v1alpha1", "apis/configplane.juniper.net/v1",
            "apis/configplane.juniper.net/v1alpha1", "apis/k8s.cni.cncf.io/v1",
        ], paths.Select(p => p.Key));
        Assert.All(paths, p => Assert.Equal($"/openapi/v3/{p.Key}?hash={Documents.Find(p.Key)!.Hash}", (string?)p.Value!["serverRelativeURL"]));
        Assert.Null(Documents.Find("apis/apps/v1"));
    }

    [Fact]
    public void Every_reference_leads_somewhere()
    {
        foreach (var resource in KubernetesResources.All)
        {
            var document = Parse(Documents.Find(resource.ApiVersion == "v1" ? "api/v1" : $"apis/{resource.ApiVersion}")!);
            Check(document, document["components"]!["schemas"]!.AsObject(), "#/components/schemas/");
        }

        var v2 = Parse(Documents.V2Json);
        Check(v2, v2["definitions"]!.AsObject(), "#/definitions/");

        static void Check(JsonNode document, JsonObject schemas, string prefix)
        {
            var references = References(document).ToList();
            Assert.NotEmpty(references);
            Assert.All(references, r => Assert.True(r.StartsWith(prefix, StringComparison.Ordinal) && schemas.ContainsKey(r[prefix.Length..]), r));
        }
    }

    [Fact]
    public void A_service_has_what_patches_and_apply_read()
    {
        var ports = Parse(Documents.Find("api/v1")!)["components"]!["schemas"]!["io.k8s.api.core.v1.ServiceSpec"]!["properties"]!["ports"]!;
        Assert.Equal("map", (string?)ports["x-kubernetes-list-type"]);
        Assert.Equal("""["port","protocol"]""", ports["x-kubernetes-list-map-keys"]!.ToJsonString());
        Assert.Equal("port", (string?)ports["x-kubernetes-patch-merge-key"]);
        Assert.Equal("merge", (string?)ports["x-kubernetes-patch-strategy"]);
    }

    [Fact]
    public void Every_resource_says_that_the_server_validates_fields()
    {
        var paths = Parse(Documents.V2Json)["paths"]!.AsObject();
        foreach (var resource in KubernetesResources.All.Where(r => r.Verbs.Contains("patch")))
        {
            var patch = paths.Where(p => !p.Key.EndsWith("/status", StringComparison.Ordinal)).Select(p => p.Value!["patch"])
                .Single(p => p?["x-kubernetes-group-version-kind"] is { } kind && (string?)kind["kind"] == resource.Kind && (string?)kind["version"] == resource.Version);
            Assert.Superset(new HashSet<string?> { "dryRun", "fieldValidation" }, patch!["parameters"]!.AsArray().Select(p => (string?)p!["name"]).ToHashSet());
        }
    }

    /// <summary>Read with the numbers of gnostic: 2.0 is field 1, and definitions (9) are named schemas (1).</summary>
    [Fact]
    public void The_protobuf_form_has_the_same_definitions()
    {
        var names = new List<string>();
        var document = new CodedInputStream(Documents.V2.Bytes.ToArray());
        for (var tag = document.ReadTag(); tag != 0; tag = document.ReadTag())
        {
            var bytes = document.ReadBytes();
            if (WireFormat.GetTagFieldNumber(tag) == 1) Assert.Equal("2.0", bytes.ToString(Encoding.UTF8));
            if (WireFormat.GetTagFieldNumber(tag) != 9) continue;
            var definitions = bytes.CreateCodedInput();
            while (definitions.ReadTag() != 0)
            {
                var named = definitions.ReadBytes().CreateCodedInput();
                named.ReadTag();
                names.Add(named.ReadString());
            }
        }

        Assert.Equal(Parse(Documents.V2Json)["definitions"]!.AsObject().Select(d => d.Key), names);
    }

    private static JsonNode Parse(ApiDocument document) => JsonNode.Parse(document.Bytes.Span)!;

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(m => m is { Key: "$ref", Value: JsonValue value } ? [value.GetValue<string>()] : References(m.Value)),
        JsonArray items => items.SelectMany(References),
        _ => [],
    };
}
