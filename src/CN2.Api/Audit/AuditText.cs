namespace CN2.Api.Audit;

/// <summary>Text of strangers as the audit log keeps it.</summary>
internal static class AuditText
{
    public const int LongName = 253;
    public const int LongPath = 1024;

    /// <summary>Of a request whose sender is not known.</summary>
    public const int StrangersPath = 256;

    /// <summary>Without control characters and halves of surrogate pairs, which PostgreSQL cannot store or a terminal would obey, and cut to a length.</summary>
    public static string? Clean(string? text, int most)
    {
        if (text is null || (text.Length <= most && text.All(IsPlain))) return text;
        return new string([.. (text.Length > most ? text[..most] : text).Select(c => IsPlain(c) ? c : '?')]);
    }

    private static bool IsPlain(char c) => !char.IsControl(c) && !char.IsSurrogate(c);
}
