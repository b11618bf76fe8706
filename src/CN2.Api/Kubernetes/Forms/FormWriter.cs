using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Kubernetes.Forms;

/// <summary>Writes objects and lists of one kind in the form that a client wants.</summary>
/// <param name="form">The form.</param>
/// <param name="resource">The kind.</param>
/// <param name="context">What cells depend on beside the object.</param>
internal sealed class FormWriter(ObjectForm form, ResourceDefinition resource, TableContext context)
{
    /// <summary>Answers are application/json, never inside HTML.</summary>
    public static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly TableLayout _layout = TableLayouts.Of(resource);
    private readonly ArrayBufferWriter<byte> _scratch = new();

    /// <summary>One object.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="source">The object, with apiVersion and kind.</param>
    /// <param name="hasColumns">A Table names its columns. In a watch only that of the first event does.</param>
    public void WriteObject(Utf8JsonWriter json, JsonObject source, bool hasColumns = true)
    {
        switch (form)
        {
            case ObjectForm.Table table:
                StartTable(json, table, hasColumns);
                json.WriteStartObject("metadata");
                if (source["metadata"].Text("resourceVersion") is { } version) json.WriteString("resourceVersion", version);
                json.WriteEndObject();
                json.WriteStartArray("rows");
                WriteRow(json, table, source, context);
                json.WriteEndArray();
                json.WriteEndObject();
                break;
            case ObjectForm.Metadata metadata:
                WriteMetadata(json, metadata.Version, source);
                break;
            default:
                source.WriteTo(json);
                break;
        }
    }

    /// <summary>A list.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="metadata">The list's own: resourceVersion, continue, remainingItemCount.</param>
    /// <param name="items">Its objects, each with apiVersion and kind; read once.</param>
    public void WriteList(Utf8JsonWriter json, JsonObject metadata, IEnumerable<JsonObject> items)
    {
        StartList(json, metadata);
        foreach (var item in items) WriteItem(json, item);
        EndList(json);
    }

    /// <summary>The beginning of a list, for a writer that sends it in parts.</summary>
    public void StartList(Utf8JsonWriter json, JsonObject metadata)
    {
        if (form is ObjectForm.Table table) StartTable(json, table, hasColumns: true);
        else StartKind(json, form is ObjectForm.Metadata m ? $"{MetaGroup}/{m.Version}" : resource.ApiVersion, form is ObjectForm.Metadata ? "PartialObjectMetadataList" : resource.Kind + "List");
        json.WritePropertyName("metadata");
        metadata.WriteTo(json);
        json.WriteStartArray(form is ObjectForm.Table ? "rows" : "items");
    }

    /// <summary>One more item of a list.</summary>
    public void WriteItem(Utf8JsonWriter json, JsonObject item)
    {
        switch (form)
        {
            case ObjectForm.Table table:
                WriteRow(json, table, item, context);
                break;
            case ObjectForm.Metadata metadata:
                WriteMetadata(json, metadata.Version, item);
                break;
            default:
                item.WriteTo(json);
                break;
        }
    }

    /// <summary>One more item of a list, which was written before.</summary>
    public void WriteWritten(Utf8JsonWriter json, WrittenObject item)
    {
        switch (form)
        {
            case ObjectForm.Whole:
                json.WriteRawValue(item.Body, skipInputValidation: true);
                break;
            case ObjectForm.Table table:
                item.RowOf(table, source => Bytes(row => WriteRow(row, table, source, context with { HasAgeMark = true }))).Write(json, _scratch, context.Now);
                break;
            default:
                WriteItem(json, (JsonObject)JsonNode.Parse(item.Body)!);
                break;
        }
    }

    public static void EndList(Utf8JsonWriter json)
    {
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private const string MetaGroup = "meta.k8s.io";

    private static void StartKind(Utf8JsonWriter json, string apiVersion, string kind)
    {
        json.WriteStartObject();
        json.WriteString("kind", kind);
        json.WriteString("apiVersion", apiVersion);
    }

    private void StartTable(Utf8JsonWriter json, ObjectForm.Table table, bool hasColumns)
    {
        StartKind(json, $"{MetaGroup}/{table.Version}", "Table");
        json.WriteStartArray("columnDefinitions");
        foreach (var column in hasColumns ? _layout.Columns : [])
        {
            json.WriteStartObject();
            json.WriteString("name", column.Name);
            json.WriteString("type", column.Type);
            json.WriteString("format", column.Format);
            json.WriteString("description", column.Description);
            json.WriteNumber("priority", column.Priority);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>What is written, as bytes of its own.</summary>
    public static byte[] Bytes(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var json = new Utf8JsonWriter(buffer, Plain)) write(json);
        return buffer.WrittenSpan.ToArray();
    }

    private void WriteRow(Utf8JsonWriter json, ObjectForm.Table table, JsonObject source, TableContext context)
    {
        json.WriteStartObject();
        json.WriteStartArray("cells");
        foreach (var cell in _layout.Cells(source, context)) cell.Write(json);
        json.WriteEndArray();
        if (table.Include != RowObject.None) json.WritePropertyName("object");
        if (table.Include == RowObject.Metadata) WriteMetadata(json, table.Version, source);
        else if (table.Include == RowObject.Object) source.WriteTo(json);
        json.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter json, string version, JsonObject source)
    {
        StartKind(json, $"{MetaGroup}/{version}", "PartialObjectMetadata");
        json.WritePropertyName("metadata");
        (source["metadata"] as JsonObject ?? []).WriteTo(json);
        json.WriteEndObject();
    }
}
