using System.Text;

namespace CN2.Api.Tests.Fuzz;

/// <summary>One request of the fuzzer, with everything that is sent.</summary>
public sealed record FuzzRequest(string Method, string Path, IReadOnlyList<(string Name, string Value)> Headers, byte[]? Body)
{
    public override string ToString()
    {
        var text = new StringBuilder($"{Method} {(Path.Length > 600 ? Path[..600] + "…" : Path)}");
        foreach (var (name, value) in Headers) text.Append($"\n  {name}: {(value.Length > 200 ? value[..200] + "…" : value)}");
        if (Body is { } body) text.Append($"\n  {body.Length} bytes: {Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 2000)))}");
        return text.ToString();
    }
}
