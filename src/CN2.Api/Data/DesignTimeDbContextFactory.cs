using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace CN2.Api.Data;

/// <summary>For <c>dotnet ef</c>: the model needs no database.</summary>
public sealed class DesignTimeDbContextFactory : IDesignTimeDbContextFactory<CN2DbContext>
{
    public CN2DbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<CN2DbContext>().UseNpgsql("Host=localhost").UseSnakeCaseNamingConvention().Options);
}
