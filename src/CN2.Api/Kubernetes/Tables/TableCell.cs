using System.Globalization;
using System.Text.Json;

namespace CN2.Api.Kubernetes.Tables;

/// <summary>A cell of a Table: a text, a whole number, or nothing.</summary>
internal readonly record struct TableCell(string? Text, long? Number = null)
{
    public static implicit operator TableCell(string? text) => new(text);

    public static implicit operator TableCell(long number) => new(null, number);

    public void Write(Utf8JsonWriter json)
    {
        if (Number is { } number) json.WriteNumberValue(number);
        else json.WriteStringValue(Text);
    }

    public override string ToString() => Number?.ToString(CultureInfo.InvariantCulture) ?? Text ?? "";
}
