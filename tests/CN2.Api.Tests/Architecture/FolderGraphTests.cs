namespace CN2.Api.Tests.Architecture
{
    /// <summary>The graph itself: two folders that use each other, one of them only inside a method, are printed with the types that do.</summary>
    public sealed class FolderGraphTests
    {
        [Fact]
        public void A_cycle_is_printed_with_the_types_that_cause_it() => Assert.Contains(
            "CN2.Api.Tests.Architecture.Circle.East → CN2.Api.Tests.Architecture.Circle.West (Sunrise uses Sunset) → CN2.Api.Tests.Architecture.Circle.East (Sunset uses Sunrise)",
            FolderGraph.Of(typeof(FolderGraphTests).Assembly).Cycles());
    }
}

namespace CN2.Api.Tests.Architecture.Circle.East
{
    internal sealed class Sunrise
    {
        public static string Next => West.Sunset.Name;
    }
}

namespace CN2.Api.Tests.Architecture.Circle.West
{
    internal sealed class Sunset
    {
        public static string Name => "sunset";

        public static int Length(East.Sunrise? earlier) => earlier is null ? 0 : East.Sunrise.Next.Length;
    }
}
