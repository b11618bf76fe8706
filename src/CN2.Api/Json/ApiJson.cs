using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using CN2.Network.Resources;

namespace CN2.Api.Json;

/// <summary>The only JSON options: for controllers, the OpenAPI document, jsonb columns and watch events.</summary>
public static class ApiJson
{
    /// <summary>Shared options, read-only.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>For jsonb columns: a request is strict, a row may be of another version.</summary>
    private static JsonSerializerOptions Stored { get; } = CreateStored();

    /// <summary>camelCase, exact member names and enum words, no unknown or duplicate member, numbers are numbers.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = false;
        options.DictionaryKeyPolicy = null;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowDuplicateProperties = false;
        options.ReadCommentHandling = JsonCommentHandling.Disallow;
        options.MaxDepth = Limits.Nesting;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping; // answers are application/json, never inside HTML
        options.Converters.Add(new ExactEnumConverterFactory());
        options.Converters.Add(new UtcTimeConverter());
        options.TypeInfoResolver = (options.TypeInfoResolver ?? new DefaultJsonTypeInfoResolver()).WithAddedModifier(LeaveOutPaths);
    }

    public static byte[] Bytes<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Options);

    /// <summary>A spec or status record as a jsonb column stores it.</summary>
    public static string Text<T>(T value) => JsonSerializer.Serialize(value, Options);

    /// <summary>Reads what <see cref="Text"/> wrote, in this version or another: members that this one does not know are ignored.</summary>
    /// <exception cref="DocumentUnreadableException">It is no such document.</exception>
    public static T Read<T>(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Stored) ?? throw new DocumentUnreadableException("it is null");
        }
        catch (JsonException e)
        {
            // The serializer's own sentence names types of this program. It knows no path when a required member is missing.
            throw new DocumentUnreadableException(e.Path is { } path ? $"{path} has a value of another kind" : "it lacks a member that this version needs", e);
        }
        catch (Exception e) when (e is not DocumentUnreadableException)
        {
            throw new DocumentUnreadableException(e.Message, e);
        }
    }

    /// <summary>Leaves out the path of a resource. It is done here once, because overrides do not inherit [JsonIgnore].</summary>
    private static void LeaveOutPaths(JsonTypeInfo info)
    {
        if (!info.Type.IsAssignableTo(typeof(ResourceBody))) return;
        for (var i = info.Properties.Count - 1; i >= 0; i--)
        {
            if (info.Properties[i].Name is "collection" or "path") info.Properties.RemoveAt(i);
        }
    }

    private static JsonSerializerOptions CreateStored()
    {
        var options = new JsonSerializerOptions(Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip, RespectNullableAnnotations = true };
        options.TypeInfoResolver = options.TypeInfoResolver!.WithAddedModifier(RefuseNulls);
        options.MakeReadOnly();
        return options;
    }

    /// <summary><see cref="JsonSerializerOptions.RespectNullableAnnotations"/> does not look into lists and maps; no stored one has a null.</summary>
    private static void RefuseNulls(JsonTypeInfo info)
    {
        if (info.Kind == JsonTypeInfoKind.Enumerable) info.OnDeserialized = list => Check((IEnumerable)list);
        else if (info.Kind == JsonTypeInfoKind.Dictionary) info.OnDeserialized = map => Check(((IDictionary)map).Values);

        void Check(IEnumerable items)
        {
            foreach (var item in items)
            {
                if (item is null) throw new JsonException($"null is no item of a {info.Type.Name}");
            }
        }
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };
        Configure(options);
        options.MakeReadOnly();
        return options;
    }
}
