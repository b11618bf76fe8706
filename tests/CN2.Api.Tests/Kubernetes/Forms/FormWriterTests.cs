using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Tests.Kubernetes.Forms;

public sealed class FormWriterTests
{
    private static readonly ResourceDefinition Resource = NamespaceSchema.Definition;
    private static readonly TableContext Context = new(new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero), "cluster1");

    private static JsonObject Namespace => JsonNode.Parse(
        """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ns1","resourceVersion":"7","creationTimestamp":"2026-11-29T11:59:00Z"},"status":{"phase":"Active"}}""")!.AsObject();

    [Fact]
    public void A_table_has_columns_rows_and_the_lists_version()
    {
        var table = List(new ObjectForm.Table("v1"), new() { ["resourceVersion"] = "9", ["continue"] = "x" });
        Assert.Equal("Table", (string?)table["kind"]);
        Assert.Equal("meta.k8s.io/v1", (string?)table["apiVersion"]);
        Assert.Equal("""{"resourceVersion":"9","continue":"x"}""", table["metadata"]!.ToJsonString());
        Assert.Equal(["Name", "Status", "Age"], table["columnDefinitions"]!.AsArray().Select(c => (string?)c!["name"]));
        var row = Assert.Single(table["rows"]!.AsArray())!;
        Assert.Equal("""["ns1","Active","60s"]""", row["cells"]!.ToJsonString());
        Assert.Equal("PartialObjectMetadata", (string?)row["object"]!["kind"]);
        Assert.Equal("meta.k8s.io/v1", (string?)row["object"]!["apiVersion"]);
        Assert.Equal("7", (string?)row["object"]!["metadata"]!["resourceVersion"]);
        Assert.Null(row["object"]!["status"]);
    }

    [Fact]
    public void A_row_includes_what_was_asked_for()
    {
        Assert.Null(List(new ObjectForm.Table("v1", RowObject.None), [])["rows"]![0]!["object"]);
        Assert.True(JsonNode.DeepEquals(Namespace, List(new ObjectForm.Table("v1", RowObject.Object), [])["rows"]![0]!["object"]));
    }

    [Fact]
    public void Columns_come_with_the_first_event_of_a_watch_only()
    {
        var later = Write(new ObjectForm.Table("v1beta1"), (writer, json) => writer.WriteObject(json, Namespace, hasColumns: false));
        Assert.Empty(later["columnDefinitions"]!.AsArray());
        Assert.Equal("meta.k8s.io/v1beta1", (string?)later["apiVersion"]);
        Assert.Equal("7", (string?)later["metadata"]!["resourceVersion"]);
        Assert.Single(later["rows"]!.AsArray());
    }

    [Fact]
    public void A_whole_object_is_itself() => Assert.True(JsonNode.DeepEquals(Namespace, Write(new ObjectForm.Whole(), (writer, json) => writer.WriteObject(json, Namespace))));

    [Fact]
    public void A_whole_list_is_of_its_kind()
    {
        var list = List(new ObjectForm.Whole(), new() { ["resourceVersion"] = "9" });
        Assert.Equal("NamespaceList", (string?)list["kind"]);
        Assert.Equal("v1", (string?)list["apiVersion"]);
        Assert.True(JsonNode.DeepEquals(Namespace, Assert.Single(list["items"]!.AsArray())));
    }

    [Fact]
    public void Metadata_has_nothing_else()
    {
        Assert.Equal(["kind", "apiVersion", "metadata"], Write(new ObjectForm.Metadata("v1"), (writer, json) => writer.WriteObject(json, Namespace)).Select(m => m.Key));
        var list = List(new ObjectForm.Metadata("v1"), new() { ["resourceVersion"] = "9" });
        Assert.Equal("PartialObjectMetadataList", (string?)list["kind"]);
        Assert.Equal("ns1", (string?)list["items"]![0]!["metadata"]!["name"]);
    }

    private static JsonObject List(ObjectForm form, JsonObject metadata) => Write(form, (writer, json) => writer.WriteList(json, metadata, [Namespace]));

    private static JsonObject Write(ObjectForm form, Action<FormWriter, Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream)) write(new(form, Resource, Context), json);
        return JsonNode.Parse(stream.ToArray())!.AsObject();
    }
}
