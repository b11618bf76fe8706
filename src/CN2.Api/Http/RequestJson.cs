using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using CN2.Api.Json;
using CN2.Network.Resources;

namespace CN2.Api.Http;

/// <summary>
/// Reads a body into a request record and names all faults at once. The serializer stops at its first error, so when it fails, the
/// document is compared with the shape of the record: each faulty member is named and left out, and the rest is read, so that the rules
/// for the other members can be checked too.
/// </summary>
public static class RequestJson
{
    /// <summary>No list or map of a request may have more.</summary>
    private const int LongestList = Limits.BatchItems;

    /// <summary>
    /// Returns the value without its faulty members, or null when nothing can be read. <paramref name="malformed"/> is set when the body is
    /// not JSON.
    /// </summary>
    public static object? Read(ReadOnlyMemory<byte> utf8, Type type, FaultList faults, out ApiProblem? malformed)
    {
        if (!IsText(ref utf8, out malformed)) return null;

        // PostgreSQL cannot store U+0000 in a text, and the serializer accepts null in lists and dictionaries. A body that may contain
        // either goes the slow way, which names the member. So does one with more members than can be right: the serializer makes a document of
        // each that it does not know, and the slow way stops.
        if (utf8.Span.IndexOf("\\u0000"u8) < 0 && utf8.Span.IndexOf("null"u8) < 0 && !HasTooManyMembers(utf8.Span))
        {
            try
            {
                if (JsonSerializer.Deserialize(utf8.Span, type, ApiJson.Options) is { } value) return value;
            }
            catch (JsonException)
            {
                // The code below names every fault.
            }
        }

        using var document = Parse(utf8, out malformed);
        if (document is null) return null;
        var pruned = Walk(document.RootElement, type, "", faults);

        if (pruned is null)
        {
            if (faults.Count == 0) faults.Add("$", "must be a JSON object");
            return null;
        }

        try
        {
            return pruned.Deserialize(type, ApiJson.Options);
        }
        catch (JsonException e)
        {
            if (faults.Count == 0) faults.Add(e.Path?.TrimStart('$', '.') ?? "$", "cannot be read");
            return null;
        }
    }

    /// <summary>
    /// Reads an object whose shape is not known yet (a merge patch). It must have no member twice and no U+0000. Null: there are faults, or
    /// <paramref name="malformed"/> is set because the body is not JSON.
    /// </summary>
    public static JsonObject? ReadObject(ReadOnlyMemory<byte> utf8, FaultList faults, out ApiProblem? malformed)
    {
        if (!IsText(ref utf8, out malformed)) return null;
        var document = Parse(utf8, out malformed); // not disposed: the patch is made of its elements
        if (document is null) return null;
        if (document.RootElement.ValueKind != JsonValueKind.Object) faults.Add("$", "must be an object");
        var value = WalkAny(document.RootElement, "", bounded: true, faults) as JsonObject;
        return faults.Count > 0 ? null : value;
    }

    /// <summary>
    /// Names the members that a merge patch removes although <paramref name="type"/> does not have them. (Unknown members that it sets are
    /// found when the result is read; removed ones are not in the result.)
    /// </summary>
    public static void CheckRemovals(JsonObject patch, Type type, FaultList faults) => CheckRemovals(patch, type, "", faults);

    private static void CheckRemovals(JsonObject patch, Type type, string path, FaultList faults)
    {
        var info = ApiJson.Options.GetTypeInfo(Nullable.GetUnderlyingType(type) ?? type);
        if (info.Kind != JsonTypeInfoKind.Object) return;
        foreach (var (name, value) in patch)
        {
            var property = PropertyOf(info, name);
            if (property is not null && value is JsonObject inner) CheckRemovals(inner, property.PropertyType, Join(path, name), faults);
            else if (property is null && value is null && !(path.Length == 0 && ResourceRequest.ReadOnlyMembers.Contains(name))) faults.Add(Join(path, name), Unknown(name, info));
        }
    }

    private static JsonPropertyInfo? PropertyOf(JsonTypeInfo info, string member) =>
        info.Properties.FirstOrDefault(p => p.Name == member && p.Set is not null && !p.IsExtensionData);

    private static bool IsText(ref ReadOnlyMemory<byte> utf8, out ApiProblem? malformed)
    {
        if (utf8.Span.StartsWith("\uFEFF"u8)) utf8 = utf8[3..];
        malformed = Utf8.IsValid(utf8.Span) ? null : ApiProblem.MalformedJson("The body is not UTF-8.");
        return malformed is null;
    }

    /// <summary>The object has more members than any map may have. False for what is no JSON.</summary>
    private static bool HasTooManyMembers(ReadOnlySpan<byte> utf8)
    {
        const int ShortestMember = 4; // "":1
        if (utf8.Length < LongestList * ShortestMember) return false;
        var members = 0;
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = ApiJson.Options.MaxDepth });
        try
        {
            while (reader.Read())
            {
                if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && ++members > LongestList) return true;
            }
        }
        catch (JsonException)
        {
            // Whoever reads it next says where.
        }

        return false;
    }

    private static JsonDocument? Parse(ReadOnlyMemory<byte> utf8, out ApiProblem? malformed)
    {
        malformed = null;
        try
        {
            return JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = ApiJson.Options.MaxDepth, AllowDuplicateProperties = true });
        }
        catch (JsonException e)
        {
            malformed = ApiProblem.MalformedJson(utf8.Span.Trim(" \t\r\n"u8).IsEmpty
                ? "The body is empty; a JSON object was expected."
                : $"It cannot be read at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1} (or is nested deeper than {ApiJson.Options.MaxDepth}).");
            return null;
        }
    }

    /// <param name="bounded">False in a member that is ignored, such as <c>status</c>: what the server answers there may be longer than a request.</param>
    private static JsonNode? WalkAny(JsonElement element, string path, bool bounded, FaultList faults)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                if (bounded && element.GetPropertyCount() > LongestList) return TooMany("members");
                var members = new JsonObject();
                foreach (var (name, value) in Members(element, path, Join, faults))
                    members[name] = WalkAny(value, Join(path, name), bounded && !(path.Length == 0 && ResourceRequest.ReadOnlyMembers.Contains(name)), faults);
                return members;
            case JsonValueKind.Array:
                if (bounded && element.GetArrayLength() > LongestList) return TooMany("items");
                var items = new JsonArray();
                foreach (var item in element.EnumerateArray())
                {
                    if (faults.IsEnough) break;
                    items.Add(WalkAny(item, $"{path}[{items.Count}]", bounded, faults));
                }

                return items;
            case JsonValueKind.Null:
                return null;
            default:
                return element.ValueKind == JsonValueKind.String ? WalkLeaf(element, typeof(string), path, faults) : JsonValue.Create(element);
        }

        JsonNode? TooMany(string what)
        {
            faults.Add(path, $"must have at most {LongestList} {what}");
            return null;
        }
    }

    /// <summary>The part of <paramref name="element"/> that fits <paramref name="type"/>; null when nothing fits.</summary>
    private static JsonNode? Walk(JsonElement element, Type type, string path, FaultList faults)
    {
        var info = ApiJson.Options.GetTypeInfo(Nullable.GetUnderlyingType(type) ?? type);
        return info.Kind switch
        {
            JsonTypeInfoKind.Object => WalkObject(element, info, path, faults),
            JsonTypeInfoKind.Dictionary => WalkDictionary(element, info.Type.GetGenericArguments()[^1], path, faults),
            JsonTypeInfoKind.Enumerable => WalkArray(element, ItemType(info.Type), path, faults),
            _ => WalkLeaf(element, info.Type, path, faults),
        };
    }

    private static JsonObject? WalkObject(JsonElement element, JsonTypeInfo info, string path, FaultList faults)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            faults.Add(path, "must be an object");
            return null;
        }

        var readOnly = info.Type.IsAssignableTo(typeof(ResourceRequest));
        var result = new JsonObject();
        foreach (var member in Members(element, path, Join, faults))
        {
            var memberPath = Join(path, member.Name);
            var property = PropertyOf(info, member.Name);
            if (property is null)
            {
                if (!readOnly || !ResourceRequest.ReadOnlyMembers.Contains(member.Name)) faults.Add(memberPath, Unknown(member.Name, info));
                else if (member.Name == "namespace" && member.Value.ValueKind != JsonValueKind.Null && WalkLeaf(member.Value, typeof(string), memberPath, faults) is { } ns) result[member.Name] = ns;
            }
            else if (member.Value.ValueKind == JsonValueKind.Null)
            {
                if (property.PropertyType.IsValueType && Nullable.GetUnderlyingType(property.PropertyType) is null)
                    faults.Add(memberPath, "must not be null");
            }
            else if (Walk(member.Value, property.PropertyType, memberPath, faults) is { } value)
            {
                result[member.Name] = value;
            }
        }

        return result;
    }

    private static JsonObject? WalkDictionary(JsonElement element, Type valueType, string path, FaultList faults)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            faults.Add(path, "must be an object");
            return null;
        }

        var result = new JsonObject();
        foreach (var member in Members(element, path, Key, faults))
        {
            var memberPath = Key(path, member.Name);
            if (member.Value.ValueKind == JsonValueKind.Null) faults.Add(memberPath, "must not be null");
            else if (Walk(member.Value, valueType, memberPath, faults) is { } value) result[member.Name] = value;
        }

        return result;
    }

    private static JsonArray? WalkArray(JsonElement element, Type itemType, string path, FaultList faults)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            faults.Add(path, "must be an array");
            return null;
        }

        var result = new JsonArray();
        var index = 0;
        foreach (var item in element.EnumerateArray())
        {
            if (faults.IsEnough) break;
            var itemPath = $"{path}[{index++}]";
            if (item.ValueKind == JsonValueKind.Null) faults.Add(itemPath, "must not be null");
            // A placeholder keeps the index of a faulty item, so that the paths of later items are right. Faults of the placeholder are not answered.
            result.Add(item.ValueKind == JsonValueKind.Null ? Placeholder(itemType) : Walk(item, itemType, itemPath, faults) ?? Placeholder(itemType));
        }

        return result;
    }

    private static JsonValue? WalkLeaf(JsonElement element, Type type, string path, FaultList faults)
    {
        // Most faults are of the wrong kind. They are told without an exception: a body has room for half a million of them.
        if (type == typeof(string) && element.ValueKind != JsonValueKind.String)
        {
            faults.Add(path, Expected(type));
            return null;
        }

        try
        {
            if (type != typeof(string))
            {
                element.Deserialize(type, ApiJson.Options);
            }
            else if (element.GetString()!.Contains('\0', StringComparison.Ordinal))
            {
                faults.Add(path, "must not contain U+0000");
                return null;
            }

            return JsonValue.Create(element);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            faults.Add(path, Expected(type));
            return null;
        }
    }

    private static IEnumerable<(string Name, JsonElement Value)> Members(JsonElement element, string path, Func<string, string, string> join, FaultList faults)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in element.EnumerateObject())
        {
            if (faults.IsEnough) yield break;
            string name;
            try
            {
                name = member.Name;
            }
            catch (InvalidOperationException)
            {
                faults.Add(path, "has a member whose name is no text");
                continue;
            }

            if (name.Contains('\0', StringComparison.Ordinal)) faults.Add(path, "has a member whose name contains U+0000");
            else if (seen.Add(name)) yield return (name, member.Value);
            else faults.Add(join(path, name), "is given twice");
        }
    }

    private static JsonNode? Placeholder(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return JsonValue.Create("");
        if (type.IsEnum) return JsonValue.Create(Enum.GetNames(type)[0]);
        if (type.IsValueType) return JsonSerializer.SerializeToNode(Activator.CreateInstance(type), type, ApiJson.Options);
        return type.IsAssignableTo(typeof(IEnumerable)) && !type.IsAssignableTo(typeof(IDictionary)) ? new JsonArray() : new JsonObject();
    }

    private static Type ItemType(Type type) => type.IsArray ? type.GetElementType()! : type.GetGenericArguments()[0];

    private static string Key(string path, string key) => $"{path}[{Shortened(key)}]";

    private static string Join(string path, string member) => path.Length == 0 ? Shortened(member) : $"{path}.{Shortened(member)}";

    /// <summary>A path is made for every member of a body, so a very long name must not be in the path of all members below it.</summary>
    private static string Shortened(string name) => name.Length > 320 ? $"{name[..64]}…" : name;

    private static string Unknown(string name, JsonTypeInfo info)
    {
        var close = info.Properties.FirstOrDefault(p => !p.IsExtensionData && string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase));
        return close is null ? "is not a known member" : $"is not a known member; did you mean {close.Name}?";
    }

    private static string Expected(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum) return $"must be one of {string.Join(", ", Enum.GetNames(type))}";
        if (type == typeof(string)) return "must be a string";
        if (type == typeof(bool)) return "must be true or false";
        if (type == typeof(int) || type == typeof(long) || type == typeof(uint) || type == typeof(ushort)) return "must be a whole number in range";
        return "has the wrong type";
    }
}
