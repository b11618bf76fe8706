namespace CN2.Api.Kubernetes.Tables;

/// <summary>A column of a Table.</summary>
/// <param name="Name">Such as <c>External-IP</c>; kubectl shows it in capitals.</param>
/// <param name="Description">One sentence.</param>
internal sealed record TableColumn(string Name, string Description)
{
    /// <summary>string, integer or date; a date's cells are ages in words, as a real server writes them.</summary>
    public string Type { get; init; } = "string";

    /// <summary><c>name</c> for the column that identifies the object.</summary>
    public string Format { get; init; } = "";

    /// <summary>0: always shown; 1: with <c>-o wide</c> only.</summary>
    public int Priority { get; init; }

    public static TableColumn Of(string name, string description) => new(name, description);

    public static TableColumn Number(string name, string description) => new(name, description) { Type = "integer" };

    public static TableColumn Wide(string name, string description) => new(name, description) { Priority = 1 };

    public static TableColumn NameOf { get; } = new("Name", "Unique among objects of this kind, in their namespace if they have one.") { Format = "name" };

    /// <summary>As native kinds have it: the word is made by the server.</summary>
    public static TableColumn Age { get; } = Of("Age", "How long ago the object was created.");

    /// <summary>As custom resources have it.</summary>
    public static TableColumn Created { get; } = new("Age", "How long ago the object was created.") { Type = "date" };
}
