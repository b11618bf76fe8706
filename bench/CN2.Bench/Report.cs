using System.Globalization;
using System.Text;

namespace CN2.Bench;

/// <summary>What was measured, as Markdown: shown while it comes, written at the end with the aims first.</summary>
internal sealed class Report
{
    private readonly StringBuilder _head = new();
    private readonly StringBuilder _body = new();
    private readonly List<Aim> _aims = [];
    private StringBuilder _text;

    public Report() => _text = _head;

    public void Title(string title, string text) => Line($"# {title}\n\n{text}\n");

    /// <summary>From the first heading on it is the body; what came before stays in front of the aims.</summary>
    public void Heading(string text)
    {
        _text = _body;
        Line($"## {text}\n");
    }

    public void Text(FormattableString text) => Line(text.ToString(CultureInfo.InvariantCulture) + "\n");

    public void Table(string[] columns, IEnumerable<object[]> rows)
    {
        Line($"| {string.Join(" | ", columns)} |");
        Line("|" + string.Concat(Enumerable.Repeat("---|", columns.Length)));
        foreach (var row in rows) Line($"| {string.Join(" | ", row.Select(Show))} |");
        Line("");
    }

    public void Add(Aim aim) => _aims.Add(aim);

    /// <summary>Shows the aims; they stand before the first heading in the file.</summary>
    public void Close()
    {
        if (_aims.Count == 0) return;
        _text = _head;
        Line("## Aims\n");
        Table(["aim", "target", "measured", "holds"], _aims.Select(a => new object[] { a.What, a.Target, a.Measured, a.Holds ? "yes" : "no, " + a.Shortfall }));
    }

    public void WriteTo(string path) => File.WriteAllText(path, _head + _body.ToString().TrimEnd() + "\n");

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
