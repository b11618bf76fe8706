using System.Globalization;
using System.Text;

namespace CN2.Bench;

/// <summary>What was measured, as Markdown: shown while it comes, written at the end.</summary>
internal sealed class Report
{
    private readonly StringBuilder _text = new();

    public void Title(string title, string text) => Line($"# {title}\n\n{text}\n");

    public void Heading(string text) => Line($"\n## {text}\n");

    public void Text(FormattableString text) => Line(text.ToString(CultureInfo.InvariantCulture) + "\n");

    public void Table(string[] columns, IEnumerable<object[]> rows)
    {
        Line($"| {string.Join(" | ", columns)} |");
        Line("|" + string.Concat(Enumerable.Repeat("---|", columns.Length)));
        foreach (var row in rows) Line($"| {string.Join(" | ", row.Select(Show))} |");
        Line("");
    }

    public void WriteTo(string path) => File.WriteAllText(path, _text.ToString().TrimStart() + "\n");

    private static string Show(object value) => value switch
    {
        double d => d switch { >= 100 => d.ToString("N0", CultureInfo.InvariantCulture), >= 10 => d.ToString("F1", CultureInfo.InvariantCulture), _ => d.ToString("F2", CultureInfo.InvariantCulture) },
        int i => i.ToString("N0", CultureInfo.InvariantCulture),
        long l => l.ToString("N0", CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private void Line(string line)
    {
        Console.WriteLine(line);
        _text.Append(line).Append('\n');
    }
}
