using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Kubernetes.Forms;

/// <summary>An object as JSON, and as a row of a Table once a client has asked for one. Several threads may use it.</summary>
/// <param name="body">The whole object, with apiVersion and kind.</param>
internal sealed class WrittenObject(byte[] body)
{
    private volatile TableRow? _row;

    public byte[] Body => body;

    /// <summary>The row in a form of a Table.</summary>
    /// <param name="form">The form.</param>
    /// <param name="write">Writes the row of an object, with <see cref="TableContext.AgeMark"/> where its age belongs.</param>
    public TableRow RowOf(ObjectForm.Table form, Func<JsonObject, byte[]> write)
    {
        if (_row is { } known && known.Form == form) return known;
        var source = (JsonObject)JsonNode.Parse(body)!;
        return _row = TableRow.Of(form, source, write(source));
    }

    /// <summary>A row whose age is filled in when it is sent.</summary>
    /// <param name="Form">The form.</param>
    /// <param name="Before">JSON before the text of the age.</param>
    /// <param name="After">JSON behind it.</param>
    /// <param name="Created">When the object was created; null: it does not say, or the row has no age.</param>
    public sealed record TableRow(ObjectForm.Table Form, ReadOnlyMemory<byte> Before, ReadOnlyMemory<byte> After, DateTimeOffset? Created)
    {
        private static readonly byte[] Mark = JsonSerializer.SerializeToUtf8Bytes(TableContext.AgeMark);

        public static TableRow Of(ObjectForm.Table form, JsonObject source, byte[] row)
        {
            var at = row.AsSpan().IndexOf(Mark);
            if (at < 0) return new(form, row, default, null);
            // The quotes stay.
            return new(form, row.AsMemory(0, at + 1), row.AsMemory(at + Mark.Length - 1), source["metadata"].Member("creationTimestamp").Time());
        }

        public void Write(Utf8JsonWriter json, ArrayBufferWriter<byte> scratch, DateTimeOffset now)
        {
            scratch.ResetWrittenCount();
            scratch.Write(Before.Span);
            if (!After.IsEmpty)
            {
                var words = Created is { } created ? Ages.Words(now - created) : Ages.Unknown;
                var age = scratch.GetSpan(words.Length);
                System.Text.Encoding.ASCII.GetBytes(words, age);
                scratch.Advance(words.Length);
            }

            scratch.Write(After.Span);
            json.WriteRawValue(scratch.WrittenSpan, skipInputValidation: true);
        }
    }
}
