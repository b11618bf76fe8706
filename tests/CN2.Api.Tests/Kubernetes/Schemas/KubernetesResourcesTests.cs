using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Tests.Kubernetes.Schemas;

public sealed class KubernetesResourcesTests
{
    public static TheoryData<string> Names => [.. KubernetesResources.All.Select(r => $"{r.Group}/{r.Version}/{r.Plural}")];

    [Theory, MemberData(nameof(Names))]
    public void Every_structure_is_sound(string name)
    {
        var known = new Dictionary<string, Schema.Structure>(StringComparer.Ordinal);
        var parts = name.Split('/');
        Walk(KubernetesResources.Find(parts[0], parts[1], parts[2])!.Schema, name);

        void Walk(Schema schema, string path)
        {
            switch (schema)
            {
                case Schema.Map map:
                    Walk(map.Value, path);
                    break;
                case Schema.List list:
                    Assert.True(list.Kind == ListKind.Map == list.Keys.Count > 0, path);
                    if (list.Item is Schema.Structure item) Assert.All(list.Keys, k => Assert.NotNull(item.Find(k)));
                    if (list.Kind == ListKind.Map) Assert.IsType<Schema.Structure>(list.Item);
                    Walk(list.Item, path);
                    break;
                case Schema.Structure form:
                    if (form.Name is not null && !known.TryAdd(form.Name, form))
                    {
                        Assert.True(ReferenceEquals(known[form.Name], form), $"{path}: {form.Name} is defined twice");
                        break;
                    }

                    Assert.NotEmpty(form.Description);
                    Assert.Empty(form.Fields.Where(f => f.Number > 0).GroupBy(f => (f.EmbeddedIn, f.Number)).Where(g => g.Count() > 1).Select(g => $"{path}: {g.Key}"));
                    Assert.Empty(form.Fields.Where(f => f.EmbeddedIn > 0 && form.Fields.Any(o => o.EmbeddedIn == 0 && o.Number == f.EmbeddedIn)).Select(f => f.Name));
                    foreach (var field in form.Fields)
                    {
                        Assert.EndsWith(".", field.Description, StringComparison.Ordinal);
                        if (field.Default is not null) JsonNode.Parse(field.Default);
                        Walk(field.Schema, $"{path}.{field.Name}");
                    }

                    break;
            }
        }
    }

    [Fact]
    public void A_native_kind_has_a_number_for_every_field()
    {
        var service = KubernetesResources.Find("", "v1", "services")!;
        Assert.Equal(["apiVersion", "kind"], service.Schema.Fields.Where(f => f.Number == 0).Select(f => f.Name));
        Assert.Same(service, KubernetesResources.FindKind("v1", "Service"));
        Assert.Null(KubernetesResources.Find("apps", "v1", "deployments"));
    }
}
