using System.Globalization;
using System.Text.RegularExpressions;
using CN2.Network.Addressing;
using Npgsql;

namespace CN2.Api.Options;

/// <summary>A decimal number, both ends included.</summary>
internal sealed class WholeNumberAttribute(long from, long to) : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= from && value <= to
            ? null
            : $"a whole number from {from} to {to}";
}

/// <summary>A decimal number that may have a fraction, both ends included.</summary>
internal sealed class NumberAttribute(double from, double to) : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value >= from && value <= to
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"a number from {from} to {to}, such as 10 or 0.5");
}

internal sealed class TrueOrFalseAttribute : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) => bool.TryParse(text, out _) ? null : "true or false";
}

internal sealed class OneOfAttribute(params string[] words) : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) => words.Contains(text, StringComparer.Ordinal) ? null : string.Join(" or ", words);
}

/// <summary>A name that <paramref name="pattern"/> matches as a whole; <paramref name="expected"/> says the same in words.</summary>
internal sealed class NameTextAttribute(string pattern, string expected) : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) => Regex.IsMatch(text, $@"\A(?:{pattern})\z", RegexOptions.CultureInvariant) ? null : expected;
}

/// <summary>The path of a file. What is in the file is judged together with the settings that need it.</summary>
internal sealed class FilePathAttribute : SettingRuleAttribute
{
    public override string Items => "files";

    public override string? ExpectedInsteadOf(string text) => null;
}

/// <summary>The text or the name of a claim in a token.</summary>
internal sealed class ClaimTextAttribute : SettingRuleAttribute
{
    private const int Longest = 512;

    public override string? ExpectedInsteadOf(string text) => text.Length <= Longest && !text.Any(char.IsControl) ? null : $"at most {Longest} printable characters";
}

/// <summary>An OpenID Connect provider: <c>https://HOST/PATH</c>, or <c>http://</c> on loopback.</summary>
internal sealed class ProviderUrlAttribute : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0 && url.Query.Length == 0 && url.Fragment.Length == 0 && url.UserInfo.Length == 0
        && (url.Scheme == "https" || (url.Scheme == "http" && url.IsLoopback))
            ? null
            : "https://HOST or https://HOST/PATH (http:// on loopback only), as the provider's issuer is written";
}

/// <summary>An address to listen on: <c>http://ADDRESS:PORT</c> or <c>https://ADDRESS:PORT</c> without a path. <c>*</c> and <c>+</c> mean every address, as elsewhere in ASP.NET Core.</summary>
internal sealed class ListenUrlAttribute : SettingRuleAttribute
{
    // "localhost" stands for 127.0.0.1 and ::1, and two addresses cannot share one port that the system chooses.
    public override string? ExpectedInsteadOf(string text) =>
        Uri.TryCreate(ToBindable(text), UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.AbsolutePath == "/" && url.Query.Length == 0
        && (url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6 || (url.Host == "localhost" && url.Port != 0))
            ? null
            : "http://ADDRESS:PORT or https://ADDRESS:PORT with an IP address, localhost or *";

    /// <summary>A Uri does not take <c>*</c> or <c>+</c> as its host.</summary>
    public override string ToBindable(string text) =>
        text.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal);
}

/// <summary>Where gobgpd answers gRPC: <c>http://HOST:PORT</c> or <c>unix:///PATH</c>.</summary>
internal sealed class EngineAddressAttribute : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && ((url.Scheme == "http" && url.Host.Length > 0) || (url.Scheme == "unix" && url.AbsolutePath.Length > 1))
            ? null
            : "http://HOST:PORT or unix:///PATH";
}

/// <summary>A host name or an IP address.</summary>
internal sealed class HostTextAttribute : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) => Uri.CheckHostName(text) == UriHostNameType.Unknown ? "a host name or an IP address" : null;
}

/// <summary>An address in the canonical text of <see cref="AddressSyntax"/>; capitals in IPv6 are accepted.</summary>
internal sealed class AddressTextAttribute : SettingRuleAttribute
{
    public bool OnlyIPv4 { get; init; }

    public override string? ExpectedInsteadOf(string text) =>
        AddressSyntax.TryParseAddress(text.ToLowerInvariant(), out var address, out _) && (!OnlyIPv4 || address.FamilyOf() == IPFamily.IPv4)
            ? null
            : OnlyIPv4 ? "an IPv4 address" : "an IP address";
}

/// <summary>An address, or a prefix without host bits; bound as a prefix.</summary>
internal sealed class AddressOrPrefixAttribute : SettingRuleAttribute
{
    public override string Items => "addresses or prefixes";

    public override string? ExpectedInsteadOf(string text) =>
        AddressSyntax.TryParseNetwork(ToBindable(text), out _, out _) ? null : "an IP address, or a prefix without host bits such as 10.0.0.0/24";

    public override string ToBindable(string text) =>
        AddressSyntax.TryParseAddress(text.ToLowerInvariant(), out var address, out _) ? $"{address}/{(address.FamilyOf() == IPFamily.IPv4 ? 32 : 128)}" : text.ToLowerInvariant();
}

/// <summary>Host names without ports, separated by ';'. <c>*.example</c> stands for every name below, <c>*</c> for every name.</summary>
internal sealed class HostNamesAttribute : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) =>
        text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).All(IsName) ? null : "host names without ports, separated by ';', such as cn2.example;*.portal.example";

    private static bool IsName(string name) => name == "*" || Uri.CheckHostName(name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name) != UriHostNameType.Unknown;
}

/// <summary>An origin as a browser sends it: scheme, host, and the port where it is not the scheme's own.</summary>
internal sealed class OriginAttribute : SettingRuleAttribute
{
    public override string Items => "origins";

    public override string? ExpectedInsteadOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.GetLeftPart(UriPartial.Authority) == text && url.UserInfo.Length == 0
            ? null
            : "an origin as a browser sends it, such as https://portal.example, without a path";
}

/// <summary>A prefix that cluster IPs can be allocated from: unicast, without host bits, of a length between the two.</summary>
internal sealed class PoolPrefixAttribute(IPFamily family, int shortest, int longest, string example) : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text) =>
        AddressSyntax.TryParseNetwork(text.ToLowerInvariant(), out var network, out _) && network.FamilyOf() == family
        && network.PrefixLength >= shortest && network.PrefixLength <= longest && SubnetPlan.RefusalOf(network) is null
            ? null
            : $"an {family} prefix of /{shortest} to /{longest} of unicast addresses, without host bits, such as {example}";
}

/// <summary>A connection string that Npgsql can use.</summary>
internal sealed class PostgresConnectionAttribute : SettingRuleAttribute
{
    public override string? ExpectedInsteadOf(string text)
    {
        if (text.Length == 0) return "a PostgreSQL connection string, such as Host=127.0.0.1;Database=cn2;Username=cn2;Password=…";
        try
        {
            var given = new NpgsqlConnectionStringBuilder(text);
            if (string.IsNullOrEmpty(given.Host)) return "a PostgreSQL connection string with Host=…";
            if (given.Host.Contains(',', StringComparison.Ordinal) && given.TargetSessionAttributes?.ToLowerInvariant() is not (null or "primary" or "read-write"))
                return "a PostgreSQL connection string with Target Session Attributes=primary (or read-write) for its several hosts";
            return given.Port > 65535 || given.MaxPoolSize < 1
                ? "a PostgreSQL connection string with Port from 1 to 65535 and Maximum Pool Size of at least 1"
                : null;
        }
        catch (ArgumentException)
        {
            return "a PostgreSQL connection string that Npgsql can read (keys and values as Key=Value;…)";
        }
    }
}
