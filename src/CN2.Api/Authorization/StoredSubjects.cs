using System.Text.Json;
using CN2.Api.Access;

namespace CN2.Api.Authorization;

/// <summary>Subjects out of <c>role_binding.subjects</c>. What is no subject of this version gives nobody a right, and does not keep others from theirs.</summary>
internal static class StoredSubjects
{
    public static List<Subject> Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        var subjects = new List<Subject>();
        if (document.RootElement.ValueKind != JsonValueKind.Array) return subjects;
        foreach (var item in document.RootElement.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty("kind", out var kind) && kind.ValueKind == JsonValueKind.String
                && item.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
                && Enum.TryParse<SubjectKind>(kind.GetString(), out var known) && Enum.IsDefined(known)) subjects.Add(new Subject(known, name.GetString()!));
        }

        return subjects;
    }
}
