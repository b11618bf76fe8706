using System.Text.Json;
using System.Text.Json.Serialization;

namespace CN2.Api.Data;

/// <summary>
/// Labels or annotations out of a jsonb column. What is no text (somebody edited the database) is left out, so that one row does not keep
/// others from being listed; the answer is then a <see cref="DamagedLabels"/>.
/// </summary>
internal sealed class StoredLabels : JsonConverter<Dictionary<string, string>>
{
    /// <summary>Labels with this converter, everything else as it is by default.</summary>
    public static JsonSerializerOptions Options { get; } = new() { Converters = { new StoredLabels() } };

    public static Dictionary<string, string> Read(string json) => JsonSerializer.Deserialize<Dictionary<string, string>>(json, Options) ?? [];

    /// <summary>JSON's null is no labels either.</summary>
    public override bool HandleNull => true;

    public override Dictionary<string, string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var labels = new Dictionary<string, string>();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return new DamagedLabels(labels, "$");
        }

        string? damaged = null;

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType == JsonTokenType.String)
            {
                labels[name] = reader.GetString()!;
            }
            else
            {
                damaged ??= name;
                reader.Skip();
            }
        }

        return damaged is null ? labels : new DamagedLabels(labels, damaged);
    }

    public override void Write(Utf8JsonWriter writer, Dictionary<string, string> value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var (name, text) in value) writer.WriteString(name, text);
        writer.WriteEndObject();
    }
}
