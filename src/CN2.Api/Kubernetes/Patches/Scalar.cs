using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>A string, number or flag that identifies an item of a list. Numbers come first, then strings, then flags; 1 and 1.0 are the same.</summary>
public readonly record struct Scalar : IComparable<Scalar>
{
    private enum Form
    {
        Number,
        Text,
        Flag,
    }

    private readonly Form _form;
    private readonly string _text;
    private readonly double _number;

    private Scalar(Form form, string text, double number) => (_form, _text, _number) = (form, text, number);

    /// <summary>Null: an object, a list, null, or a number beyond all bounds.</summary>
    public static Scalar? Of(JsonNode? node)
    {
        if (node is not JsonValue value) return null;
        switch (value.GetValueKind())
        {
            case JsonValueKind.String:
                return new Scalar(Form.Text, value.GetValue<string>(), 0);
            case JsonValueKind.True:
                return new Scalar(Form.Flag, "true", 1);
            case JsonValueKind.False:
                return new Scalar(Form.Flag, "false", 0);
            case JsonValueKind.Number:
                var text = value.ToJsonString();
                if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
                    return new Scalar(Form.Number, whole.ToString(CultureInfo.InvariantCulture), whole);
                if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number)) return null;
                const double Exact = 1L << 53;
                return new Scalar(Form.Number, Math.Abs(number) < Exact && number == Math.Floor(number)
                    ? ((long)number).ToString(CultureInfo.InvariantCulture)
                    : number.ToString("R", CultureInfo.InvariantCulture), number);
            default:
                return null;
        }
    }

    public int CompareTo(Scalar other)
    {
        if (_form != other._form) return _form.CompareTo(other._form);
        if (_form == Form.Text) return string.CompareOrdinal(_text, other._text);
        var byNumber = _number.CompareTo(other._number);
        return byNumber != 0 ? byNumber : string.CompareOrdinal(_text, other._text); // long numbers that are one as double
    }

    /// <summary>As in the key of a fieldsV1 member: JSON, with the characters escaped that Go escapes.</summary>
    public string ToJson() => _form == Form.Text ? Quote(_text, forHtml: true) : _text;

    /// <summary>As in the path of a conflict.</summary>
    public override string ToString() => _form == Form.Text ? Quote(_text, forHtml: false) : _text;

    internal static string Quote(string text, bool forHtml)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"' or '\\':
                    quoted.Append('\\').Append(c);
                    break;
                case '\n':
                    quoted.Append("\\n");
                    break;
                case '\r':
                    quoted.Append("\\r");
                    break;
                case '\t':
                    quoted.Append("\\t");
                    break;
                case < ' ' or '\u2028' or '\u2029':
                case '<' or '>' or '&' when forHtml:
                    quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                default:
                    quoted.Append(c);
                    break;
            }
        }

        return quoted.Append('"').ToString();
    }
}
