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

    /// <summary>Reads what <see cref="Text"/> wrote.</summary>
    public static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, Options) ?? throw new JsonException($"null is no {typeof(T).Name}");

    /// <summary>Leaves out the path of a resource. It is done here once, because overrides do not inherit [JsonIgnore].</summary>
    private static void LeaveOutPaths(JsonTypeInfo info)
    {
        if (!info.Type.IsAssignableTo(typeof(ResourceBody))) return;
        for (var i = info.Properties.Count - 1; i >= 0; i--)
        {
            if (info.Properties[i].Name is "collection" or "path") info.Properties.RemoveAt(i);
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
