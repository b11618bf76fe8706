using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>How a manager came to its fields.</summary>
public enum ManagedFieldsOperation
{
    /// <summary>Server-side apply.</summary>
    Apply,

    /// <summary>Create, update, and every other patch.</summary>
    Update,
}

/// <summary>Who makes a request.</summary>
/// <param name="Name"><c>fieldManager</c> of the request, or the first part of its User-Agent.</param>
/// <param name="Subresource">Through which it is made, such as <c>status</c>; empty: the object itself.</param>
public sealed record FieldManager(string Name, string Subresource = "");

/// <summary>An entry of <c>metadata.managedFields</c>.</summary>
public sealed record ManagedFieldsEntry(
    string Manager, ManagedFieldsOperation Operation, string ApiVersion, string Subresource, DateTimeOffset? Time, FieldSet Fields)
{
    /// <summary>Entries in one object.</summary>
    public const int MaxEntries = 1000;

    private const int LongestManager = 128;

    /// <summary>The same manager. One that applies stays the same when it goes to another version of the API.</summary>
    public bool IsOf(ManagedFieldsEntry other) =>
        Operation == other.Operation && Manager == other.Manager && Subresource == other.Subresource
        && (Operation == ManagedFieldsOperation.Apply || ApiVersion == other.ApiVersion);

    /// <summary>Reads the list; absent: no entries. Exactly one of the results is set.</summary>
    public static (List<ManagedFieldsEntry>? Entries, string? Fault) Read(JsonNode? node)
    {
        if (node is null) return ([], null);
        if (node is not JsonArray list) return (null, "metadata.managedFields: must be a list");
        if (list.Count > MaxEntries) return (null, $"metadata.managedFields: must have at most {MaxEntries} entries");
        var entries = new List<ManagedFieldsEntry>(list.Count);
        for (var i = 0; i < list.Count; i++)
        {
            var (entry, fault) = ReadEntry(list[i]);
            if (entry is null) return (null, string.Create(CultureInfo.InvariantCulture, $"metadata.managedFields[{i}]{fault}"));
            entries.RemoveAll(e => e.IsOf(entry)); // the last one of a manager counts
            entries.Add(entry);
        }

        return (entries, null);
    }

    private static (ManagedFieldsEntry? Entry, string? Fault) ReadEntry(JsonNode? node)
    {
        if (node is not JsonObject entry) return (null, ": must be an object");
        if (TextOf(entry, "manager") is not { Length: <= LongestManager } manager) return (null, $".manager: must be a text of at most {LongestManager} characters");
        if (TextOf(entry, "subresource") is not { } subresource) return (null, ".subresource: must be a text");
        ManagedFieldsOperation? operation = TextOf(entry, "operation") switch { "Apply" => ManagedFieldsOperation.Apply, "Update" => ManagedFieldsOperation.Update, _ => null };
        if (operation is null) return (null, ".operation: must be `Apply` or `Update`");
        if (TextOf(entry, "apiVersion") is not { Length: > 0 } version) return (null, ".apiVersion: must not be empty");
        if (TextOf(entry, "fieldsType") != "FieldsV1") return (null, ".fieldsType: must be `FieldsV1`");
        DateTimeOffset? time = null;
        if (entry["time"] is not null)
        {
            if (!DateTimeOffset.TryParse(TextOf(entry, "time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read)) return (null, ".time: must be a time as RFC 3339");
            time = read;
        }

        return FieldSet.Parse(entry["fieldsV1"] ?? new JsonObject()) is { } fields
            ? (new ManagedFieldsEntry(manager, operation.Value, version, subresource, time, fields), null)
            : (null, ".fieldsV1: is no set of fields");
    }

    /// <summary>Absent: empty. Null: something else.</summary>
    private static string? TextOf(JsonObject entry, string name) =>
        entry[name] is not { } node ? "" : node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;

    /// <summary>The list in the order of Kubernetes: applied ones first, then by time and name.</summary>
    public static JsonArray Write(IEnumerable<ManagedFieldsEntry> entries) => new([.. entries
        .OrderBy(e => e.Operation).ThenBy(e => e.Time?.ToUnixTimeSeconds() ?? 0).ThenBy(e => e.Manager, StringComparer.Ordinal)
        .ThenBy(e => e.ApiVersion, StringComparer.Ordinal).ThenBy(e => e.Subresource, StringComparer.Ordinal).Select(e => e.ToJson())]);

    private JsonObject ToJson()
    {
        var json = new JsonObject { ["manager"] = Manager, ["operation"] = Operation.ToString(), ["apiVersion"] = ApiVersion };
        if (Time is { } time) json["time"] = KubernetesTime.Text(time);
        json["fieldsType"] = "FieldsV1";
        json["fieldsV1"] = Fields.ToJson();
        if (Subresource.Length > 0) json["subresource"] = Subresource;
        return json;
    }
}
